"""The only training loop: a method, its training split and a recipe in; the loss history out."""

import copy
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_swa_multi_avg_fn
from tqdm import tqdm

from diptych.batch import Batch
from diptych.checkpoint import Checkpoint
from diptych.parts.labels import labels_of
from diptych.parts.method import Method, Recipe, Stage
from diptych.parts.optimisers import optimiser, schedule
from diptych.parts.target import targets


class Diverged(ArithmeticError):
    """The loss became NaN or infinite."""


@dataclass(frozen=True)
class Cost:
    """What a piece of work took."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0


@dataclass
class History:
    """What the loop saw, one entry per step, and what it took."""

    step: list[int] = field(default_factory=list)
    epoch: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    samples: int = 0
    stopped_early: bool = False
    cost: Cost = Cost()


def seed_everything(seed: int, device: str) -> torch.Generator:
    """Seed python, numpy and torch, ask for deterministic algorithms; returns the generator of the views."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    torch.set_deterministic_debug_mode("error")  # use_deterministic_algorithms would also import the compiler: 3 s
    # Filling memory before its first use only helps to find who reads it too early: 5 % of a small step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return torch.Generator(device=device).manual_seed(seed)


def train(
    method: Method, rows: Batch, recipe: Recipe, rng: torch.Generator, checkpoint: Checkpoint | None = None
) -> History:
    """Run every stage of the method on the training rows; the method holds the final weights afterwards.

    A training that was cut off goes on from its checkpoint, with the same numbers as an uninterrupted one.
    """
    run, watch = _Run(method, rows, recipe, rng), Stopwatch()
    if checkpoint and (saved := checkpoint.read()):
        run.restore(saved["run"])
        watch = Stopwatch(Cost(**saved["cost"]))
    for _ in run.steps():
        if checkpoint and checkpoint.due():
            checkpoint.write({"run": run.state(), "cost": asdict(watch.read())})
    method.requires_grad_(True)
    run.history.cost = watch.read()
    return run.history


def steps_of(recipe: Recipe, method: Method, rows: Batch) -> int:
    """The budget in steps; an epoch drops its last incomplete batch."""
    size = min(recipe.batch_size, len(rows))
    if recipe.epochs is not None:
        return recipe.epochs * (len(rows) // size)
    if recipe.samples is not None:
        return max(recipe.samples // size, 1)
    return recipe.steps if recipe.steps is not None else method.default_steps(rows)


class _Run:
    """All stages of a training, step by step; between two steps it can be left and taken up again."""

    def __init__(self, method: Method, rows: Batch, recipe: Recipe, rng: torch.Generator) -> None:
        self.method, self.recipe, self.rng, self.history = method, recipe, rng, History()
        trained, held_out = _hold_out(rows, recipe, rng)
        self.rows, self.held_out = visible(trained, method), None if held_out is None else visible(held_out, method)
        self.classes = _classes(trained, recipe)
        self.total = steps_of(recipe, method, self.rows)
        self.stages = method.stages() if self.total else ()  # a control that is not trained has no steps
        self.number, self.stage = 0, self._begin(0) if self.stages else None

    def steps(self) -> Iterator[None]:
        """Train; yields after every step."""
        while self.stage:
            yield from self.stage.steps()
            self.stage.finish()
            self.number += 1
            self.stage = self._begin(self.number) if self.number < len(self.stages) else None

    def _begin(self, number: int) -> "_Stage":
        steps = max(round(self.stages[number].share * self.total), 1)
        return _Stage(self, self.stages[number], steps)

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        assert self.stage
        random_states = {"views": self.rng.get_state(), "torch": torch.get_rng_state()}
        if self.rng.device.type == "cuda":
            random_states["cuda"] = torch.cuda.get_rng_state()
        return {
            "number": self.number,
            "history": asdict(self.history),
            "stage": self.stage.state(),
            "random": random_states,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to where `state` was taken."""
        self.number, self.stage = state["number"], self._begin(state["number"])
        self.stage.restore(state["stage"])
        self.history = History(**state["history"] | {"cost": Cost()})
        self.rng.set_state(state["random"]["views"])
        torch.set_rng_state(state["random"]["torch"])
        if "cuda" in state["random"]:
            torch.cuda.set_rng_state(state["random"]["cuda"])


class _Stage:
    """One share of the budget: the optimiser's loop, with early stopping where the recipe asks for it."""

    def __init__(self, run: _Run, stage: Stage, total: int) -> None:
        self.run, self.method, self.recipe, self.name = run, run.method, run.recipe, stage.name
        self.done, self.total = 0, total
        self.method.begin(stage.name, run.rows, run.rng)
        fixed = targets(self.method)
        for name, parameter in self.method.named_parameters():
            parameter.requires_grad_(not name.startswith(fixed) and (not stage.parts or name.startswith(stage.parts)))
        self.optimiser = optimiser(self.method, self.recipe, stage.rates)
        self.schedule = schedule(self.optimiser, self.recipe, total)
        self.batches = _Batches(len(run.rows), self.recipe.batch_size, run.rng, classes=run.classes)
        self.averaged = _averaged(self.method) if self.recipe.average_weights else None
        self.stopper = None if run.held_out is None else _Stopper(self.method, run.held_out, self.recipe, run.rng)
        if self.averaged:
            self.averaged.update_parameters(self.method)  # the initial weights count (TS2Vec)

    def steps(self) -> Iterator[None]:
        """Train until the budget is spent or the stopper stops; yields after every step."""
        self.method.train()
        # Quiet when not a terminal.
        with tqdm(total=self.total, initial=self.done, desc=self.name, unit="step", disable=None) as bar:
            stopping = False
            while self.done < self.total and not stopping:
                loss = self._step()
                stopping = bool(self.stopper and self._at_end() and self.stopper.stop())
                bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
                bar.update()
                yield
        self.run.history.stopped_early |= self.done < self.total

    def _step(self) -> float:
        batch = self.run.rows.take(self.batches.next())
        loss = _descend(self.method, batch, self.optimiser, self.run.rng)
        self.done += 1
        self.schedule.step()
        self.method.after_step(batch, self.done / self.total)
        if self.averaged:
            self.averaged.update_parameters(self.method)
        self._note(loss, len(batch))
        return loss

    def _note(self, loss: float, samples: int) -> None:
        history = self.run.history
        history.step.append(len(history.step) + 1)
        history.epoch.append(self.batches.epoch)
        history.loss.append(loss)
        history.samples += samples

    def _at_end(self) -> bool:
        """After the last step of an epoch, and of all."""
        return self.batches.last or self.done == self.total

    def finish(self) -> None:
        """Leave the method with the weights that this stage ends with."""
        if self.stopper:
            self.method.load_state_dict(self.stopper.state)
        if self.averaged:
            # Running statistics of batch norm are not averaged: those of the last step belong to the trained weights.
            weights = dict(self.averaged.module.named_parameters(remove_duplicate=False))
            self.method.load_state_dict(self.method.state_dict() | weights)

    def _parts(self) -> dict[str, Any]:
        parts = {"method": self.method, "optimiser": self.optimiser, "schedule": self.schedule, "batches": self.batches}
        extra = {"averaged": self.averaged, "stopper": self.stopper}
        return parts | {name: part for name, part in extra.items() if part}

    def state(self) -> dict[str, Any]:
        """Everything of this stage that its next step depends on."""
        return {"done": self.done} | {name: part.state_dict() for name, part in self._parts().items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to where `state` was taken."""
        self.done = state["done"]
        for name, part in self._parts().items():
            part.load_state_dict(state[name])


def _averaged(method: Method) -> AveragedModel:
    """The equal running average of the weights, in one call for all of them."""
    return AveragedModel(method, multi_avg_fn=get_swa_multi_avg_fn())  # type: ignore[no-untyped-call]


def _descend(method: Method, batch: Batch, optimiser: torch.optim.Optimizer, rng: torch.Generator) -> float:
    """One step of the optimiser; returns the loss."""
    loss = method.loss(batch, rng)
    value = float(loss.detach())
    if not np.isfinite(value):
        raise Diverged(f"the loss became {value}")
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    optimiser.step()
    return value


class _Batches:
    """Row numbers of one batch after another, reshuffled every epoch, incomplete batches dropped.

    With `classes`, labels [count] and a number, that many rows of one class stand together.
    """

    def __init__(
        self, count: int, size: int, rng: torch.Generator, *, classes: tuple[Tensor, int] | None = None
    ) -> None:
        self.count, self.size, self.rng, self.classes = count, min(size, count), rng, classes
        self.epoch, self.start, self.order = -1, count, torch.empty(0, dtype=torch.long)  # order: [count], row numbers

    def next(self) -> Tensor:
        """Rows [size] of the next batch."""
        if self.start + self.size > self.count:
            order = torch.randperm(self.count, generator=self.rng, device=self.rng.device)
            self.order = _together(order, *self.classes, self.rng) if self.classes else order
            self.epoch, self.start = self.epoch + 1, 0
        self.start += self.size
        return self.order[self.start - self.size : self.start]

    @property
    def last(self) -> bool:
        """Whether the batch just given was its epoch's last."""
        return self.start + self.size > self.count

    def state_dict(self) -> dict[str, Any]:
        """Where it stands."""
        return {"epoch": self.epoch, "start": self.start, "order": self.order}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back there."""
        self.epoch, self.start, self.order = state["epoch"], state["start"], state["order"].to(self.rng.device)


def visible(rows: Batch, method: Method) -> Batch:
    """What a method may see of the rows: labels that only shape the batches stay hidden from it."""
    return rows if "label" in method.uses else replace(rows, label=None)


def _classes(rows: Batch, recipe: Recipe) -> tuple[Tensor, int] | None:
    """Labels, and how many rows of one class belong together, if the recipe asks for it."""
    return (labels_of(rows), recipe.per_class) if recipe.per_class > 1 else None


def _together(order: Tensor, labels: Tensor, size: int, rng: torch.Generator) -> Tensor:
    """The shuffled rows [n] in groups of `size` rows of one class; what is left of a class comes last.

    Classes take turns in a random order, each as often as it has groups: neighbouring groups are of different classes
    as far as possible, so a batch of b rows holds b / `size` classes where there are so many.
    """
    classes = [torch.split(order[labels[order] == c], size) for c in sorted(set(labels.tolist()))]
    if len(classes) == len(order):
        raise ValueError(f"each of the {len(order)} rows has a class of its own; train.per_class {size} needs more")
    starts = torch.rand(len(classes), generator=rng, device=rng.device).tolist()  # in a turn
    placed = [
        ((turn + start) / len(groups), group)
        for start, groups in zip(starts, classes, strict=True)
        for turn, group in enumerate(groups)
    ]
    return torch.cat([group for _, group in sorted(placed, key=lambda p: (-len(p[1]), p[0]))])


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
        """Look once more; whether it is time."""
        self.method.eval()
        rng = torch.Generator(device=self.device).manual_seed(self.seed)
        loss = float(self.method.loss(self.held_out, rng))
        self.method.train()
        self.since += 1
        if loss < self.best:
            self.best, self.since, self.state = loss, 0, copy.deepcopy(self.method.state_dict())
        return self.since >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """The best weights so far, and since when."""
        return {"best": self.best, "since": self.since, "state": self.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back there."""
        self.best, self.since, self.state = state["best"], state["since"], state["state"]


class Stopwatch:
    """Wall and CPU time since its creation, on top of what was spent before."""

    def __init__(self, before: Cost = Cost()) -> None:
        self.wall, self.cpu = time.perf_counter() - before.seconds, time.process_time() - before.cpu_seconds

    def read(self) -> Cost:
        """The time so far."""
        return Cost(time.perf_counter() - self.wall, time.process_time() - self.cpu)


def parameters_of(method: nn.Module) -> int:
    """Number of trainable values; a target's are copies."""
    fixed = targets(method)
    return sum(p.numel() for name, p in method.named_parameters() if not name.startswith(fixed))
