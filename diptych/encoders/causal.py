"""The causal dilated convolutions of T-Loss."""

from typing import Any, Literal, cast

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from diptych.batch import Input
from diptych.encoders._series import SeriesEncoder
from diptych.parts.steps import last_inside, max_inside


class Causal(SeriesEncoder):
    """Residual blocks of causal dilated convolutions; a series is a linear map of the maximum over its steps.

    Franceschi, Dieuleveut, Jaggi 2019, arXiv 1901.10738, section 4: weight norm, leaky ReLU, dilation doubled in each
    of `depth` blocks and one more, which widens to `reduced`. A missing value becomes 0, its training mean; a state
    sees no later step, so missing steps behind a series cannot change it. `readout` "last" takes the last step inside
    the series in place of the maximum: what is known at present, as NCL reads it.
    """

    modality = "series"

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        dim: int = 320,
        hidden: int = 40,
        reduced: int = 160,
        depth: int = 10,
        readout: Literal["max", "last"] = "max",
    ) -> None:
        super().__init__()
        self.dim, self.readout = dim, readout
        widths = [facts["shape"][1], *[hidden] * depth, reduced]
        self.blocks = nn.ModuleList(_Block(widths[i], widths[i + 1], 2**i) for i in range(depth + 1))
        self.project = nn.Linear(reduced, dim)

    def steps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Series [n, T, C] -> what is known at each step [n, T, dim] and the steps inside the series [n, T]."""
        h, alive = self._blocks(x)
        return self.project(h) * alive[..., None], alive

    def forward(self, x: Input) -> Tensor:
        """Series [n, T, C] -> [n, dim]."""
        read = max_inside if self.readout == "max" else last_inside
        return cast(Tensor, self.project(read(*self._blocks(cast(Tensor, x)))))

    def _blocks(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h, alive = self.start(x)
        for block in self.blocks:
            h = block(h)
        return h.mT, alive


class _Block(nn.Module):
    """Two causal convolutions with leaky ReLU, plus the input, by a 1 × 1 convolution where widths differ."""

    def __init__(self, d_in: int, d_out: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.first, self.second = (weight_norm(nn.Conv1d(d, d_out, 3)) for d in (d_in, d_out))
        self.across = nn.Conv1d(d_in, d_out, 1) if d_in != d_out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """[n, d_in, T] -> [n, d_out, T]."""
        h = F.leaky_relu(self._causal(self.first, x))
        return cast(Tensor, F.leaky_relu(self._causal(self.second, h)) + self.across(x))

    def _causal(self, layer: nn.Module, x: Tensor) -> Tensor:
        """The convolution with taps at t, t − dilation and t − 2 dilation; those that meet nothing but padding go."""
        past = min(2, (x.shape[2] - 1) // self.dilation)  # taps before t that reach the series
        weight, bias = cast(Tensor, layer.weight)[..., 2 - past :], cast(Tensor, layer.bias)
        return F.conv1d(F.pad(x, (past * self.dilation, 0)), weight, bias, dilation=self.dilation)
