"""Image views, images per second: whole batches of tensors against one image at a time with Pillow (`make speed`).

The same operations, one thread each, rounds in turn within one run; the fastest round counts. Prints a table and ends
with an error where the views as they are by default are not five times as fast. Blur, which is off by default, is shown
beside them: Pillow's takes three box filters of constant time in bytes, ours a kernel of each image's own in floats.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from rounds import fastest, table

from diptych.__main__ import settle
from diptych.batch import Batch
from diptych.views.crop_jitter import CropJitter

try:
    from PIL import Image, ImageEnhance, ImageFilter, ImageOps
except ImportError:
    sys.exit("the comparison needs Pillow: pip install 'pillow>=11' (it is a dependency of diptych)")

GOAL = 5.0  # times Pillow's images per second, without blur
N = 256  # images in a batch
CASES = ((32, 0.0), (64, 0.0), (72, 0.0), (64, 0.5), (72, 0.5))  # side, probability of blur


def main() -> int:
    """Time every case; the exit status."""
    settle()  # as every job does
    torch.set_num_threads(1)
    rows, ratios = [], {}
    for side, blur in CASES:
        name = f"SimCLR {side} px{', blur' if blur else ''}"
        x = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (N, 3, side, side), np.uint8))
        rates = {who: 2 * N / s for who, s in fastest(dict(_contestants(x, blur))).items()}  # two views of each image
        for who, rate in rates.items():
            rows.append((name, who, f"{rate:,.0f}", f"{rate / rates['Pillow']:.1f}"))
        ratios[side, blur] = rates["diptych"] / rates["Pillow"]
    table(("views", "with", "images/s", "× Pillow"), rows)
    if not kornia():
        print("kornia is not installed, so it is left out; to compare: pip install kornia==0.9.0")
    least = min(ratio for (_, blur), ratio in ratios.items() if not blur)
    print(f"×{least:.1f} at least without blur, the goal is ×{GOAL:g}")
    return int(least < GOAL)


def _contestants(x: torch.Tensor, blur: float) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each way of making two views, floats ready for an encoder, of images [n, 3, S, S] as it keeps them in memory.

    Prepared data are tensors of floats, Pillow's are images of bytes.
    """
    n, channels, side, _ = x.shape
    view = CropJitter({"mirrored": True, "shape": [channels, side, side]}, blur=blur)
    rng, rows, floats = torch.Generator().manual_seed(0), torch.arange(n), x.float() / 255
    yield "diptych", lambda: view(Batch(floats, rows, rows), rng)
    images = [Image.fromarray(a) for a in x.permute(0, 2, 3, 1).numpy()]
    draw = np.random.default_rng(0)
    yield "Pillow", lambda: [np.stack([_one(i, side, blur, draw) for i in images]) for _ in range(2)]
    if module := kornia():
        steps = _kornia(module, side, blur)
        yield "kornia", lambda: [steps(floats) for _ in range(2)]


def _one(image: Image.Image, side: int, blur: float, draw: np.random.Generator) -> np.ndarray:
    """SimCLR's list on one image, as torchvision does it with Pillow."""
    image = _crop(image, side, draw)
    if draw.random() < 0.5:
        image = ImageOps.mirror(image)
    if draw.random() < 0.8:
        image = _jitter(image, draw)
    if draw.random() < 0.2:
        image = image.convert("L").convert("RGB")
    if draw.random() < blur:
        image = image.filter(ImageFilter.GaussianBlur(draw.uniform(0.1, 2)))
    return np.asarray(image, np.float32).transpose(2, 0, 1) / 255


def _crop(image: Image.Image, side: int, draw: np.random.Generator) -> Image.Image:
    area, aspect = draw.uniform(0.2, 1) * side**2, np.exp(draw.uniform(-1, 1) * np.log(4 / 3))
    w, h = min((area * aspect) ** 0.5, side), min((area / aspect) ** 0.5, side)
    left, top = draw.uniform(0, side - w), draw.uniform(0, side - h)
    return image.resize((side, side), Image.Resampling.BILINEAR, box=(left, top, left + w, top + h))


def _jitter(image: Image.Image, draw: np.random.Generator) -> Image.Image:
    for change in draw.permutation(4):
        if change == 3:
            image = _hue(image, draw.uniform(-0.1, 0.1))
        else:
            enhance = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)[change]
            image = enhance(image).enhance(draw.uniform(0.6, 1.4))
    return image


def _hue(image: Image.Image, turns: float) -> Image.Image:
    hue, saturation, value = image.convert("HSV").split()
    shifted = np.asarray(hue) + np.uint8(round(turns * 255) % 256)
    return Image.merge("HSV", (Image.fromarray(shifted), saturation, value)).convert("RGB")


def kornia() -> Any:
    """kornia.augmentation where it is installed, else None."""
    try:
        import kornia.augmentation as module
    except ImportError:
        return None
    return module


def _kornia(module: Any, side: int, blur: float) -> torch.nn.Sequential:
    """The same list from kornia's batched operations, parameters per sample."""
    steps = [
        module.RandomResizedCrop((side, side), scale=(0.2, 1.0), ratio=(3 / 4, 4 / 3)),
        module.RandomHorizontalFlip(p=0.5),
        module.ColorJitter(0.4, 0.4, 0.4, 0.1, p=0.8),
        module.RandomGrayscale(p=0.2),
    ]
    if blur:
        steps.append(module.RandomGaussianBlur((side // 20 * 2 + 1,) * 2, (0.1, 2.0), p=blur))
    return torch.nn.Sequential(*steps)


if __name__ == "__main__":
    sys.exit(main())
