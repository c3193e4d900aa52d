"""What some methods ask of an encoder beyond one vector per sample."""

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class PerStep(Protocol):
    """An encoder of series that keeps time."""

    dim: int

    def per_step(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """[n, T, C] -> [n, T, dim], with steps hidden where mask [n, T] is False."""


@runtime_checkable
class ClassToken(Protocol):
    """An encoder of texts with a class token."""

    dim: int

    def cls(self, x: Tensor) -> Tensor:
        """Tokens [n, T] -> state of the class token [n, dim]."""


def lacks(method: str, encoder: object, what: str) -> TypeError:
    """The error for an encoder that cannot do what the method needs."""
    return TypeError(f"{method} needs an encoder with {what}; {type(encoder).__name__} has none")
