"""What some methods ask of an encoder beyond one vector per sample."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from torch import Generator, Tensor, nn

Crop = tuple[Tensor, Tensor | None, slice]  # content [n, T, C], mask [n, T], and the steps to return


@runtime_checkable
class PerStep(Protocol):
    """An encoder of series that keeps time."""

    dim: int

    def per_step(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """[n, T, C] -> [n, T, dim], with steps hidden where mask [n, T] is False."""

    def spans(self, crops: Sequence[Crop]) -> list[Tensor]:
        """Of crops of the same n series: `per_step` of their spans, [n, t, dim] each."""


@runtime_checkable
class ClassToken(Protocol):
    """An encoder of texts with a class token."""

    dim: int

    def cls(self, x: Tensor) -> Tensor:
        """Tokens [n, T] -> state of the class token [n, dim]."""


@runtime_checkable
class Patches(Protocol):
    """A transformer over the patches of an image, which can leave patches out."""

    dim: int
    patch: int
    blocks: nn.ModuleList

    def patchify(self, x: Tensor) -> Tensor:
        """Images [n, C, H, W] -> standardised pixels by patch [n, L, C · patch²], in reading order."""

    def tokens(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """Images [n, C, H, W] -> states [n, 1 + L, dim], class token first; of the patches `keep` [n, kept] only."""

    def grid(self, x: Tensor) -> tuple[int, int]:
        """Rows and columns of the patches of images [n, C, H, W]; L is their product."""


def lacks(method: str, encoder: object, what: str) -> TypeError:
    """The error for an encoder that cannot do what the method needs."""
    return TypeError(f"{method} needs an encoder with {what}; {type(encoder).__name__} has none")


def with_per_step(method: str, encoder: nn.Module) -> PerStep:
    """The encoder, which must give one vector per step."""
    if not isinstance(encoder, PerStep):
        raise lacks(method, encoder, "one vector per step (per_step)")
    return encoder


def with_patches(method: str, encoder: nn.Module) -> Patches:
    """The encoder, which must have patches."""
    if not isinstance(encoder, Patches):
        raise lacks(method, encoder, "patches that can be left out (patchify, tokens, grid)")
    return encoder


@runtime_checkable
class Subsets(Protocol):
    """An encoder of table rows that sees them in subsets of their columns."""

    dim: int
    subsets: int

    def latent(self, x: Tensor, subset: int) -> Tensor:
        """Encoded rows [n, F] -> latent of one subset [n, dim]."""


@runtime_checkable
class FieldStates(Protocol):
    """A transformer over the fields of a table row, whose tokens can be mixed."""

    dim: int

    def tokens(self, x: Tensor) -> Tensor:
        """Encoded rows [n, F] -> tokens [n, fields, dim]."""

    def states(self, tokens: Tensor) -> Tensor:
        """Tokens [n, fields, dim] -> states [n, 1 + fields, dim], class token first."""

    def remember(self, x: Tensor, rng: Generator) -> None:
        """Keep training rows [n, F] to compare others with, where it compares rows at all."""


def with_fields(method: str, encoder: nn.Module) -> FieldStates:
    """The encoder, which must have a token per field."""
    if not isinstance(encoder, FieldStates):
        raise lacks(method, encoder, "a token per field (tokens, states, remember)")
    return encoder
