"""Optical digits at 8 × 8 pixels, from the installed scikit-learn."""

from diptych.data.base import Files, Raw
from diptych.data.card import Card, Source

LEVELS = 16  # the published counts run from 0 to 16

CARD = Card(
    name="digits",
    title="Optical recognition of handwritten digits (8 × 8)",
    modality="image",
    metric="balanced_accuracy",
    sources=(Source(kind="library", package="sklearn"),),
    licence="CC BY 4.0 (UCI 80, DOI 10.24432/C50P49)",
    citation="Alpaydin & Kaynak 1998, Optical recognition of handwritten digits, UCI machine learning repository",
    n=1797,
    shape=(1, 8, 8),
    classes=tuple("0123456789"),
    split="stratified",
    mirrored=False,
    caveats=(
        "scikit-learn's copy is the published test part (13 writers); writers are not recorded, so splits mix them",
        "pixel counts 0..16 are stored as bytes, rounded to the nearest of 256 levels",
    ),
)


def read(files: Files) -> Raw:
    """All images; `files` is empty because the library holds them."""
    import numpy as np
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels = np.rint(bunch.images * 255 / LEVELS).astype(np.uint8)  # [n, H, W]
    return Raw(pixels[..., None], bunch.target.astype(str))
