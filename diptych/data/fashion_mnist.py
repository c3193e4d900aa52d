"""Fashion-MNIST: grey pictures of clothes, from Debian's package or the authors' repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from diptych.data._archives import gunzip, read_members
from diptych.data.base import Files, Raw, rows_of_splits
from diptych.data.card import Card, Source

if TYPE_CHECKING:
    import numpy as np

PACKAGE = "dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb"
FOLDER = "usr/share/datasets/fashion-mnist"
ADDRESS = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion"
# The published files; Debian's copies are compressed anew, so only what they unpack to is the same.
PUBLISHED = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}

CARD = Card(
    name="fashion_mnist",
    title="Fashion-MNIST",
    modality="image",
    metric="balanced_accuracy",
    sources=(
        Source(
            kind="debian",
            file=PACKAGE,
            package="dataset-fashion-mnist",
            version="0.0~git20200523.55506a9-1",
            sha256="39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
            option="package",
        ),
        *(
            Source(kind="url", file=file, url=f"{ADDRESS}/{file}", sha256=sha256, option="published")
            for file, sha256 in PUBLISHED.items()
        ),
    ),
    licence="MIT",
    citation="Xiao, Rasul & Vollgraf 2017, Fashion-MNIST, arXiv 1708.07747",
    n=70_000,
    n_train=60_000,
    shape=(1, 28, 28),
    classes=(
        "t-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ),
    split="official",
)


def read(files: Files) -> Raw:
    """All images, training first."""
    import numpy as np

    parts = _published(files)
    images = [
        _idx(parts[f"{part}-images-idx3-ubyte.gz"], header=16).reshape(-1, 28, 28, 1) for part in ("train", "t10k")
    ]
    codes = [_idx(parts[f"{part}-labels-idx1-ubyte.gz"], header=8) for part in ("train", "t10k")]
    names = np.array(CARD.classes)[np.concatenate(codes)]
    return Raw(np.concatenate(images), names, rows_of_splits(len(codes[0]), len(codes[1])))


def _published(files: Files) -> Mapping[str, bytes]:
    if PACKAGE not in files:
        return {name: files[name].read_bytes() for name in PUBLISHED}
    members = read_members(files[PACKAGE], [f"{FOLDER}/{name}" for name in PUBLISHED])
    return {name.rpartition("/")[2]: content for name, content in members.items()}


def _idx(content: bytes, *, header: int) -> np.ndarray:
    """The bytes after the header of a gzipped IDX file."""
    import numpy as np

    return np.frombuffer(gunzip(content), np.uint8, offset=header)
