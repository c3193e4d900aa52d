"""Networks that are followed and not trained."""

import copy
import math

import torch
from torch import nn


class Target(nn.Module):
    """A network without gradient, which no optimiser holds: it stays as it is, or follows another one."""

    def __init__(self, online: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(online)

    @torch.no_grad()
    def forward(self, *inputs: object) -> object:
        """What the network makes of its inputs, as a constant."""
        return self.network(*inputs)

    @torch.no_grad()
    def follow(self, online: nn.Module, momentum: float) -> None:
        """θ' ← m θ' + (1 − m) θ; running statistics of norms are the target's own (it sees its own batches)."""
        for mine, new in zip(self.network.parameters(), online.parameters(), strict=True):
            mine.lerp_(new, 1 - momentum)


def rising(momentum: float, progress: float) -> float:
    """From m₀ to exactly 1 along a cosine: 1 − (1 − m₀)(cos πk/K + 1)/2. BYOL, arXiv 2006.07733, section 3.2."""
    return 1 - (1 - momentum) * (math.cos(math.pi * progress) + 1) / 2


def targets(method: nn.Module) -> tuple[str, ...]:
    """The prefixes of the parameters that belong to targets."""
    return tuple(f"{name}." for name, module in method.named_modules() if isinstance(module, Target))
