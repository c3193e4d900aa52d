"""What the arguments of an objective must be; an error says what was wrong and what is allowed."""

import torch
from torch import Tensor


def rows(*sides: Tensor) -> None:
    """All sides are [n, d] of one shape, and there is a row."""
    if any(side.ndim != 2 or side.shape != sides[0].shape for side in sides):
        who = {1: "embeddings must", 2: "the two sides must both"}.get(len(sides), f"the {len(sides)} sides must all")
        shapes = " and ".join(str(list(side.shape)) for side in sides)
        raise ValueError(f"{who} be [n, d]; the shapes are {shapes}")
    if not len(sides[0]):
        raise ValueError("the batch is empty; at least 1 sample is needed")


def per_row(n: int, **values: Tensor | None) -> None:
    """Each value that is given is [n]."""
    for name, value in values.items():
        if value is not None and value.shape != (n,):
            raise ValueError(f"{name} must be [{n}], one for each of the {n} rows; the shape is {list(value.shape)}")


def above_zero(**settings: Tensor | float) -> None:
    """Each setting is a number above 0."""
    for name, value in settings.items():
        if not (number := _number(value)) > 0:
            raise ValueError(f"{name} must be above 0, it is {number:g}")


def at_least_zero(**settings: Tensor | float) -> None:
    """Each setting is a number at or above 0."""
    for name, value in settings.items():
        if not (number := _number(value)) >= 0:
            raise ValueError(f"{name} must be at least 0, it is {number:g}")


def binary(**values: Tensor) -> None:
    """Each tensor holds truth values, or only 0 and 1."""
    for name, value in values.items():
        if value.dtype != torch.bool and not ((value == 0) | (value == 1)).all():
            raise ValueError(f"{name} must hold 0 and 1 only; it holds {value.flatten()[:5].tolist()} …")


def _number(value: Tensor | float) -> float:
    return float(torch.as_tensor(value).detach())
