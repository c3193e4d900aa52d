"""Projection heads."""

from itertools import pairwise

from torch import nn


def mlp(*widths: int) -> nn.Sequential:
    """Linear layers of the given widths (input first) with ReLU between them."""
    layers: list[nn.Module] = []
    for d_in, d_out in pairwise(widths):
        layers += [nn.Linear(d_in, d_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def normed_mlp(*widths: int, last: bool = False) -> nn.Sequential:
    """Linear layers with batch norm and ReLU between them; `last`: a batch norm without affine after the last one."""
    layers: list[nn.Module] = []
    for d_in, d_out in pairwise(widths[:-1]):
        layers += [nn.Linear(d_in, d_out, bias=False), nn.BatchNorm1d(d_out), nn.ReLU()]
    layers.append(nn.Linear(widths[-2], widths[-1], bias=not last))
    return nn.Sequential(*layers, *([nn.BatchNorm1d(widths[-1], affine=False)] if last else []))


def xavier(module: nn.Module) -> None:
    """Glorot-uniform weights and zero biases in every linear layer, as GraphCL starts."""
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
