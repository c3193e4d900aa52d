"""What convolutional encoders of series share."""

from torch import Tensor, nn
from torch.nn import functional as F

from diptych.parts.method import Encoder
from diptych.parts.steps import inside


class SeriesEncoder(Encoder):
    """An encoder of series that keeps time."""

    @property
    def width(self) -> int:
        """How wide a state is."""
        return self.dim

    def start(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Series [n, T, C] -> values [n, C, T], 0 (the training mean) where missing, and the steps inside [n, T]."""
        return x.nan_to_num(0.0).mT, inside(x)


class Convolution(nn.Module):
    """Convolution, batch norm and, if asked, ReLU over steps that stay as many; 0 outside of a series.

    So the states of a series do not depend on how many missing steps follow it.
    """

    def __init__(self, d_in: int, d_out: int, kernel: int, *, dilation: int = 1, relu: bool = True) -> None:
        super().__init__()
        self.reach, self.relu = dilation * (kernel - 1), relu  # how many other steps lie under the kernel
        self.convolution = nn.Conv1d(d_in, d_out, kernel, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(d_out)

    def forward(self, h: Tensor, alive: Tensor) -> Tensor:
        """[n, d_in, T] -> [n, d_out, T]; `alive` [n, T] are the steps inside."""
        before = self.reach // 2
        h = self.norm(self.convolution(F.pad(h, (before, self.reach - before))))
        return (F.relu(h) if self.relu else h) * alive[:, None]
