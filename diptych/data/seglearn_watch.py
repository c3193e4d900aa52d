"""Shoulder exercises seen by a smartwatch: windows of recordings of ten subjects, from the seglearn wheel."""

from dataclasses import replace

from diptych.data._archives import read_members
from diptych.data.base import Files, Raw
from diptych.data.card import Card, Source

WHEEL = Source(
    kind="pypi",
    file="seglearn-1.2.5-py3-none-any.whl",
    package="seglearn",
    version="1.2.5",
    python="3.11",
    sha256="ec6b952c85c9627050102854b372d85951563d3b990df677d7c55547e87413dd",
)
MEMBER = "seglearn/data/watch_dataset.npy"
STEPS = 100  # of a window: 2 s at 50 Hz; windows follow each other without overlap, the rest of a recording is dropped

BY_SUBJECT = Card(
    name="seglearn_watch",
    home="seglearn_watch",
    title="Smartwatch exercises (seglearn), unseen subjects",
    modality="series",
    metric="balanced_accuracy",
    sources=(WHEEL,),
    licence="BSD-3-Clause",
    citation="Burns et al. 2018, Shoulder physiotherapy exercise recognition: machine learning the inertial signals "
    "from a smartwatch, arXiv 1802.01489; the part of it that seglearn carries",
    n=2369,
    shape=(STEPS, 6),
    classes=("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"),
    split="grouped",
    group="subject",
    time="windows of 2 s of a recording",
    caveats=(
        "a sample is a window of 2 s of one of 140 recordings, whose windows share a key; two test subjects of ten",
        "acceleration and rotation along three axes each, at either wrist",
    ),
)
MIXED = "subjects are in both splits, recordings in one: beside `seglearn_watch` it tells what knowing a subject gives"
BY_RECORDING = BY_SUBJECT.model_copy(
    update={
        "name": "seglearn_watch_mixed",
        "title": "Smartwatch exercises (seglearn), unseen recordings",
        "mirror": BY_SUBJECT.name,
        "split": "stratified",
        "group": "",
        "caveats": (MIXED, BY_SUBJECT.caveats[1]),
    }
)
CARDS = (BY_SUBJECT, BY_RECORDING)


def read(files: Files, name: str) -> Raw:
    """Windows [100, 6] with recording, place in it and subject."""
    import numpy as np

    from diptych.data._object_array import read_object

    held = read_object(read_members(files[WHEEL.file], [MEMBER])[MEMBER], MEMBER)
    counts = np.array([len(recording) // STEPS for recording in held["X"]])  # [recordings]
    owner = np.repeat(np.arange(len(counts)), counts)  # [windows]
    time = np.concatenate([np.arange(count) for count in counts])
    windows = [held["X"][i][t * STEPS : (t + 1) * STEPS].astype(np.float32) for i, t in zip(owner, time, strict=True)]
    label = np.array(held["y_labels"])[held["y"]][owner]
    raw = Raw(windows, label, key=owner, group=held["subject"][owner], time=time)
    return raw if name == BY_SUBJECT.name else replace(raw, group=None)
