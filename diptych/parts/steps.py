"""The steps of series: where a ragged series begins and ends, and encoders that keep time."""

from typing import Any, Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from diptych.parts.capabilities import lacks


@runtime_checkable
class Steps(Protocol):
    """An encoder of series that gives states over time, perhaps fewer than there are steps."""

    dim: int

    @property
    def width(self) -> int:
        """How wide a state is."""

    def steps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Series [n, T, C] -> states [n, T', width], 0 outside of a series, and whether they are inside it [n, T']."""


def with_steps(method: str, encoder: nn.Module) -> Steps:
    """The encoder, which must keep time."""
    if not isinstance(encoder, Steps):
        raise lacks(method, encoder, "states over time (steps)")
    return encoder


def states(encoder: nn.Module, x: object) -> tuple[Tensor, Tensor]:
    """What `steps` of the encoder gives for the content of a batch."""
    return cast(Steps, encoder).steps(cast(Tensor, x))


def length_of(encoder: nn.Module, facts: dict[str, Any]) -> int:
    """How many states the encoder gives for series of the shape that the facts state."""
    training = encoder.training
    with torch.no_grad():
        found, _ = states(encoder.eval(), torch.zeros(1, *facts["shape"]))
    encoder.train(training)
    return found.shape[1]


def ends(x: Tensor) -> tuple[Tensor, Tensor]:
    """First and last step with a value of series [n, T, C]: [n] each; 0 and T − 1 of a series without any."""
    seen = (~x.isnan().all(2)).byte()  # [n, T]
    return seen.argmax(1), x.shape[1] - 1 - seen.flip(1).argmax(1)


def inside(x: Tensor) -> Tensor:
    """Whether a step of series [n, T, C] lies between the first and the last one with a value: [n, T]."""
    first, last = ends(x)
    at = torch.arange(x.shape[1], device=x.device)
    return (at >= first[:, None]) & (at <= last[:, None])


def mean_inside(h: Tensor, alive: Tensor) -> Tensor:
    """Mean of states [n, T, d] over the steps that are `alive` [n, T]: [n, d]."""
    weight = alive[..., None].to(h.dtype)
    return (h * weight).sum(1) / weight.sum(1).clamp_min(1)


def max_inside(h: Tensor, alive: Tensor) -> Tensor:
    """Maximum of states [n, T, d] over the steps that are `alive` [n, T], of which each series has one: [n, d]."""
    return h.masked_fill(~alive[..., None], -torch.inf).amax(1)


def last_inside(h: Tensor, alive: Tensor) -> Tensor:
    """State of the last step that is `alive` [n, T]: [n, T, d] -> [n, d]."""
    last = alive.shape[1] - 1 - alive.byte().flip(1).argmax(1)  # [n]
    return h[torch.arange(len(h), device=h.device), last]
