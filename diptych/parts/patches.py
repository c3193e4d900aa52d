"""Images in squares."""

from torch import Tensor
from torch.nn import functional as F


def grid(x: Tensor, size: int) -> tuple[int, int]:
    """Rows and columns of the patches of images [n, C, H, W]; one that the border cuts counts."""
    return -(-x.shape[2] // size), -(-x.shape[3] // size)


def patches(x: Tensor, size: int) -> Tensor:
    """Images [n, C, H, W], filled up with zeros right and below -> [n, L, C · size²], in reading order."""
    rows, columns = grid(x, size)
    fill = (0, columns * size - x.shape[3], 0, rows * size - x.shape[2])
    return F.unfold(F.pad(x, fill), size, stride=size).mT
