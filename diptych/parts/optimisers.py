"""What a recipe's optimiser and schedule are."""

from collections.abc import Callable, Mapping

import torch
from torch import nn
from torch.optim import lr_scheduler

from diptych.parts.method import Recipe

OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": lambda groups, recipe: torch.optim.Adam(groups, lr=recipe.lr, fused=True),
    "adamw": lambda groups, recipe: torch.optim.AdamW(groups, lr=recipe.lr, fused=True),
    "sgd": lambda groups, recipe: torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, fused=True),
    "rmsprop": lambda groups, recipe: torch.optim.RMSprop(groups, lr=recipe.lr, alpha=0.9, momentum=recipe.momentum),
}


def optimiser(method: nn.Module, recipe: Recipe, rates: Mapping[str, float]) -> torch.optim.Optimizer:
    """Over what trains; weights decay; biases, norms and temperatures (fewer than two axes) do not.

    `rates`: prefix of parameters -> the share of the recipe's rate that they move with.
    """
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}  # by share and whether they decay
    for name, parameter in method.named_parameters():
        if parameter.requires_grad:
            share = next((share for prefix, share in rates.items() if name.startswith(prefix)), 1.0)
            groups.setdefault((share, parameter.ndim >= 2), []).append(parameter)
    settings = [
        {"params": group, "lr": recipe.lr * share, "weight_decay": recipe.weight_decay if decays else 0.0}
        for (share, decays), group in groups.items()
    ]
    return OPTIMISERS[recipe.optimiser](settings, recipe)


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
