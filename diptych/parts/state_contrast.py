"""A contrast of all token states of two views."""

from torch import Tensor, nn

from diptych.parts.heads import mlp
from diptych.parts.objectives.clip import clip
from diptych.parts.objectives.unit import unit

HIDDEN, OUT = 512, 256  # of the heads; those of SAINT's code grow with the table


class StateContrast(nn.Module):
    """Unit token states side by side, through a head for each view, compared by cosine (SAINT, arXiv 2106.01342)."""

    def __init__(self, tokens: int, dim: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(mlp(tokens * dim, HIDDEN, OUT) for _ in range(2))

    def forward(self, first: Tensor, second: Tensor, *, temperature: float, ids: Tensor) -> Tensor:
        """States [n, T, dim] of two views and object ids [n] -> symmetric InfoNCE."""
        views = zip(self.heads, (first, second), strict=True)
        z1, z2 = (head(unit(states).flatten(1)) for head, states in views)
        return clip(z1, z2, logit_scale=1 / temperature, ids=ids)
