"""The only training loop: a method, its training split and a recipe in; the loss history out."""

import copy
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from diptych.batch import Batch
from diptych.parts.method import Method, Recipe, Stage

OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": lambda groups, recipe: torch.optim.Adam(groups, lr=recipe.lr, fused=True),
    "adamw": lambda groups, recipe: torch.optim.AdamW(groups, lr=recipe.lr, fused=True),
    "sgd": lambda groups, recipe: torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, fused=True),
}


class Diverged(ArithmeticError):
    """The loss became NaN or infinite."""


@dataclass
class History:
    """What the loop saw, one entry per step."""

    step: list[int] = field(default_factory=list)
    epoch: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    samples: int = 0
    stopped_early: bool = False


def seed_everything(seed: int, device: str) -> torch.Generator:
    """Seed python, numpy and torch, ask for deterministic algorithms; returns the generator of the views."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    torch.set_deterministic_debug_mode("error")  # use_deterministic_algorithms would also import the compiler: 3 s
    return torch.Generator(device=device).manual_seed(seed)


def train(method: Method, rows: Batch, recipe: Recipe, rng: torch.Generator) -> History:
    """Run every stage of the method on the training rows; the method holds the final weights afterwards."""
    history = History()
    rows, held_out = _hold_out(rows, recipe, rng)
    for stage in method.stages():
        _train_stage(method, stage, rows, held_out, recipe, rng, history)
    method.requires_grad_(True)
    return history


def steps_of(recipe: Recipe, method: Method, rows: Batch) -> int:
    """The budget in steps; an epoch drops its last incomplete batch."""
    size = min(recipe.batch_size, len(rows))
    if recipe.epochs is not None:
        return recipe.epochs * (len(rows) // size)
    if recipe.samples is not None:
        return max(recipe.samples // size, 1)
    return recipe.steps if recipe.steps is not None else method.default_steps(rows)


def _train_stage(
    method: Method,
    stage: Stage,
    rows: Batch,
    held_out: Batch | None,
    recipe: Recipe,
    rng: torch.Generator,
    history: History,
) -> None:
    """One share of the budget: the optimiser's loop, with early stopping where the recipe asks for it."""
    total = steps_of(recipe, method, rows)
    if total == 0:  # a control that is not trained
        return
    steps = max(round(stage.share * total), 1)
    optimiser = OPTIMISERS[recipe.optimiser](_groups(method, stage, recipe), recipe)
    schedule = _schedule(optimiser, recipe, steps)
    averaged = AveragedModel(method) if recipe.average_weights else None
    stopper = _Stopper(method, held_out, recipe, rng) if held_out is not None and recipe.patience else None
    if averaged:
        averaged.update_parameters(method)  # the initial weights count (TS2Vec)
    method.train()
    bar = tqdm(total=steps, desc=stage.name, unit="step", disable=None)  # quiet when not a terminal
    for done, (epoch, last, picked) in enumerate(_batches(rows, recipe, rng), start=1):
        batch = rows.take(picked)
        loss = _step(method, batch, optimiser, rng)
        schedule.step()
        method.after_step(batch, done / steps)
        if averaged:
            averaged.update_parameters(method)
        _note(history, epoch, loss, len(picked), bar)
        stopping = bool(stopper and (last or done == steps) and stopper.stop())
        if done == steps or stopping:
            history.stopped_early |= done < steps
            break
    bar.close()
    if stopper:
        stopper.restore()
    if averaged:
        # Running statistics of batch norm are not averaged: those of the last step belong to the trained weights.
        method.load_state_dict(averaged.module.state_dict() | dict(method.named_buffers()))


def _step(method: Method, batch: Batch, optimiser: torch.optim.Optimizer, rng: torch.Generator) -> float:
    loss = method.loss(batch, rng)
    value = float(loss.detach())
    if not np.isfinite(value):
        raise Diverged(f"the loss became {value}")
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    optimiser.step()
    return value


def _note(history: History, epoch: int, loss: float, samples: int, bar: "tqdm[Any]") -> None:
    history.step.append(len(history.step) + 1)
    history.epoch.append(epoch)
    history.loss.append(loss)
    history.samples += samples
    bar.update()
    bar.set_postfix(loss=f"{loss:.4f}", refresh=False)


def _batches(rows: Batch, recipe: Recipe, rng: torch.Generator) -> Iterator[tuple[int, bool, Tensor]]:
    """Endless (epoch, is the epoch's last, row numbers), reshuffled every epoch, incomplete batches dropped."""
    size = min(recipe.batch_size, len(rows))
    epoch = 0
    while True:
        order = torch.randperm(len(rows), generator=rng, device=rng.device)
        starts = range(0, len(rows) - size + 1, size)
        for start in starts:
            yield epoch, start == starts[-1], order[start : start + size]
        epoch += 1


def _groups(method: Method, stage: Stage, recipe: Recipe) -> list[dict[str, object]]:
    """Weights decay; biases, norms and temperatures (fewer than two axes) do not."""
    for name, parameter in method.named_parameters():
        parameter.requires_grad_(not stage.parts or name.startswith(stage.parts))
    trained = [p for p in method.parameters() if p.requires_grad]
    decayed = [p for p in trained if p.ndim >= 2]
    free = [p for p in trained if p.ndim < 2]
    return [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": free, "weight_decay": 0.0}]


def _schedule(optimiser: torch.optim.Optimizer, recipe: Recipe, steps: int) -> lr_scheduler.LRScheduler:
    warm = round(recipe.warmup * steps)
    after = (
        lr_scheduler.CosineAnnealingLR(optimiser, max(steps - warm, 1))
        if recipe.schedule == "cosine"
        else lr_scheduler.ConstantLR(optimiser, factor=1.0)
    )
    if not warm:
        return after
    rising = lr_scheduler.LinearLR(optimiser, start_factor=1 / (warm + 1), total_iters=warm)
    return lr_scheduler.SequentialLR(optimiser, [rising, after], milestones=[warm])


def _hold_out(rows: Batch, recipe: Recipe, rng: torch.Generator) -> tuple[Batch, Batch | None]:
    """Rows for early stopping leave the training rows; they only ever meet the pretraining loss."""
    count = round(recipe.validation * len(rows)) if recipe.patience else 0
    if count < 2:
        return rows, None
    order = torch.randperm(len(rows), generator=rng, device=rng.device)
    return rows.take(order[count:]), rows.take(order[:count])


class _Stopper:
    """Stops when the loss of held-out rows, under views frozen by one seed, has not fallen for `patience` epochs."""

    def __init__(self, method: Method, held_out: Batch, recipe: Recipe, rng: torch.Generator) -> None:
        self.method, self.held_out, self.patience = method, held_out, recipe.patience
        self.seed, self.device = rng.initial_seed(), rng.device
        self.best, self.since, self.state = float("inf"), 0, copy.deepcopy(method.state_dict())

    @torch.no_grad()
    def stop(self) -> bool:
        self.method.eval()
        rng = torch.Generator(device=self.device).manual_seed(self.seed)
        loss = float(self.method.loss(self.held_out, rng))
        self.method.train()
        self.since += 1
        if loss < self.best:
            self.best, self.since, self.state = loss, 0, copy.deepcopy(self.method.state_dict())
        return self.since >= self.patience

    def restore(self) -> None:
        self.method.load_state_dict(self.state)


@dataclass(frozen=True)
class Cost:
    """What a piece of work took."""

    seconds: float
    cpu_seconds: float


class Stopwatch:
    """Wall and CPU time since its creation."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def read(self) -> Cost:
        """The time so far."""
        return Cost(time.perf_counter() - self.wall, time.process_time() - self.cpu)


def parameters_of(method: nn.Module) -> int:
    """Number of trainable values."""
    return sum(p.numel() for p in method.parameters())
