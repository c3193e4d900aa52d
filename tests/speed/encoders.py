"""Image encoders, images per second forward and backward: memory layouts and bf16 side by side (`make speed`).

One thread, rounds in turn within one run; the fastest round counts. The encoders keep channels last and f32: bf16 is
shown because it is what a longer training could gain.
"""

from collections.abc import Callable
from functools import partial

import torch
from rounds import fastest, table
from torch import Tensor, nn

from diptych.encoders.conv import Conv
from diptych.encoders.resnet18 import Resnet18
from diptych.encoders.vit import Vit

FACTS = {"shape": [3, 32, 32], "statistics": {"mean": [0.5] * 3, "sd": [0.25] * 3}}


def main() -> None:
    """Time every encoder in every way."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x = torch.rand(64, 3, 32, 32)
    rows: list[tuple[str, ...]] = []
    encoders = {"conv": Conv(FACTS), "resnet18, width 16": Resnet18(FACTS, width=16), "vit": Vit(FACTS)}
    for name, encoder in encoders.items():
        ways = {"as built, f32": encoder, "as built, bf16": _bf16(encoder)} | _plain(encoder)
        steps = {way: partial(_gradient, encoder, forward, x) for way, forward in ways.items()}
        rates = {way: len(x) / seconds for way, seconds in fastest(steps, rounds=4).items()}
        for way, rate in rates.items():
            same = "yes" if torch.equal(steps[way](), steps[way]()) else "no"
            rows.append((name, way, f"{rate:,.0f}", f"{rate / rates['as built, f32']:.2f}", same))
    table(("encoder", "way", "images/s", "ratio", "same gradient twice"), rows)


def _bf16(encoder: nn.Module) -> Callable[[Tensor], Tensor]:
    def forward(x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return encoder(x)

    return forward


def _plain(encoder: nn.Module) -> dict[str, Callable[[Tensor], Tensor]]:
    """The convolutional ones with their channels first."""
    if isinstance(encoder, Conv):
        return {"channels first, f32": lambda x: encoder.layers(x).mean((2, 3))}
    if isinstance(encoder, Resnet18):
        return {"channels first, f32": lambda x: encoder.stages(encoder.stem(x).relu_()).mean((2, 3))}
    return {}


def _gradient(encoder: nn.Module, forward: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    encoder.zero_grad()
    forward(x).float().square().mean().backward()
    return torch.cat([p.grad.flatten() for p in encoder.parameters() if p.grad is not None])


if __name__ == "__main__":
    main()
