"""What a recipe's optimiser and schedule are."""

from collections.abc import Callable

import torch
from torch import nn
from torch.optim import lr_scheduler

from diptych.parts.method import Recipe

OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": lambda groups, recipe: torch.optim.Adam(groups, lr=recipe.lr, fused=True),
    "adamw": lambda groups, recipe: torch.optim.AdamW(groups, lr=recipe.lr, fused=True),
    "sgd": lambda groups, recipe: torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, fused=True),
}


def optimiser(method: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Over what trains; weights decay; biases, norms and temperatures (fewer than two axes) do not."""
    trained = [p for p in method.parameters() if p.requires_grad]
    decayed, free = [p for p in trained if p.ndim >= 2], [p for p in trained if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": free, "weight_decay": 0.0}]
    return OPTIMISERS[recipe.optimiser](groups, recipe)


def schedule(optimiser: torch.optim.Optimizer, recipe: Recipe, steps: int) -> lr_scheduler.LRScheduler:
    """The recipe's learning rate over `steps`, after a linear rise over its `warmup` share."""
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
