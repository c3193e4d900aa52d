"""Free Spoken Digit Dataset: six speakers say the ten digits, as log-mel spectra or as a slow waveform."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from diptych.data._archives import read_members
from diptych.data.base import Files, Raw
from diptych.data.card import Card, Source

if TYPE_CHECKING:
    import numpy as np

RATE = 8000  # Hz
BANDS, WIDTH, HOP = 32, 256, 80  # mel bands; samples of a window (32 ms) and between two (10 ms)
SLOWER, MOST = 4, 2000  # the waveform at 2 kHz, its first second: longer than 98 % of all recordings
TESTED = 5  # the first recordings of each digit and speaker are the official test split

LOGMEL = Card(
    name="fsdd_logmel",
    home="fsdd",
    title="Free Spoken Digits, log-mel",
    modality="series",
    metric="accuracy",
    sources=(
        Source(
            kind="mirror",
            file="recordings.zip",
            sha256="80c4ce923245762259492a35d8dee34c68b10d214c4bddbf39648611944b034b",
        ),
    ),
    mirror="fsdd",
    licence="CC BY-SA 4.0",
    citation="Jackson et al., Free Spoken Digit Dataset, DOI 10.5281/zenodo.1342401; repository at 26eb9aa",
    n=3000,
    n_train=2700,
    shape=(0, BANDS),
    classes=tuple("0123456789"),
    split="official",
    caveats=(
        "the official split has all six speakers in both parts; `fsdd_logmel_speakers` leaves speakers out",
        "a step is the logarithm of the power in 32 mel bands up to 4 kHz, every 10 ms",
        "series have different lengths and are padded with missing values",
    ),
)
SPEAKERS = LOGMEL.model_copy(
    update={
        "name": "fsdd_logmel_speakers",
        "title": "Free Spoken Digits, log-mel, unseen speakers",
        "n_train": None,
        "split": "grouped",
        "group": "speaker",
        "caveats": ("two test speakers of six, drawn by the seed", *LOGMEL.caveats[1:]),
    }
)
WAVE = LOGMEL.model_copy(
    update={
        "name": "fsdd_wave",
        "title": "Free Spoken Digits, waveform at 2 kHz",
        "shape": (0, 1),
        "caveats": (
            "the official split has all six speakers in both parts",
            "low-pass filtered to 1 kHz and cut after one second: what is above in a voice is lost",
            LOGMEL.caveats[2],
        ),
    }
)
CARDS = (LOGMEL, SPEAKERS, WAVE)


def read(files: Files, name: str) -> Raw:
    """All recordings in the order of their names, `digit_speaker_index.wav`."""
    import numpy as np

    members = read_members(files["recordings.zip"])
    recordings = sorted(member for member in members if member.endswith(".wav"))
    parts = [PurePosixPath(member).stem.split("_") for member in recordings]
    series = [_series(members[member], member, name) for member in recordings]
    digit, speaker, index = np.array(parts).T
    grouped = name == SPEAKERS.name
    test = None if grouped else index.astype(int) < TESTED
    return Raw(series, digit, test, group=speaker if grouped else None)


def _series(content: bytes, member: str, name: str) -> np.ndarray:
    from diptych.data._speech import log_mel, samples_of, slowed

    signal = samples_of(content, member, rate=RATE)
    if name == WAVE.name:
        return slowed(signal, factor=SLOWER, most=MOST)
    return log_mel(signal, rate=RATE, bands=BANDS, width=WIDTH, hop=HOP)
