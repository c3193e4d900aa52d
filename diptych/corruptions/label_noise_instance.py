"""Labels confused where classes are near."""

from typing import ClassVar, Literal

import numpy as np

from diptych.corruptions._features import features
from diptych.corruptions._labels import LabelNoise
from diptych.corruptions.base import Array
from diptych.data.samples import Samples

SPREAD = np.sqrt(3) / np.pi  # scale of a logistic variable with sd 1


class LabelNoiseInstance(LabelNoise):
    """Training rows near the class boundary get the nearest other class first (boundary-consistent: Menon et al. 2018).

    Menon, van Rooyen & Natarajan, Learning from binary labels with instance-dependent noise, Machine Learning 107.
    Ours: a row's margin is how much nearer the centre of its own class is than the nearest other centre, over
    standardised raw features of training rows, and logistic noise of the margins' spread decides who goes first.
    Part-dependent noise (Xia et al. 2020, 2006.07836) draws its directions at random and knows no boundary.
    """

    target: ClassVar[Literal["label"]] = "label"
    modalities: ClassVar[tuple[str, ...]] = ("image", "series", "tabular", "text", "graph", "image_text")

    def _draw(self, samples: Samples, classes: int, rng: np.random.Generator) -> tuple[Array, Array]:
        distance = _to_centres(features(samples), samples, classes)  # [n, classes]
        own = np.arange(classes) == samples.label[:, None]
        rival = np.where(own, np.inf, distance)
        margin = rival.min(1) - distance[own]
        sd = margin[samples.split == 0].std()
        return margin / (sd if sd > 0 else 1.0) + rng.logistic(scale=SPREAD, size=len(samples)), rival.argmin(1)


def _to_centres(x: Array, samples: Samples, classes: int) -> Array:
    """Distances [n, classes] to the training rows' class centres; to its own, a row is left out of the centre."""
    train = samples.split == 0
    member = (samples.label[:, None] == np.arange(classes)) & train[:, None]  # [n, classes]
    size = member.sum(0)
    centre = (member.T.astype(np.float32) @ x) / np.maximum(size, 1)[:, None]  # [classes, D]
    square = (x**2).sum(1)[:, None] - 2 * x @ centre.T + (centre**2).sum(1)
    distance = np.sqrt(np.maximum(square, 0).astype(float))
    without = np.where(member, size / np.maximum(size - 1, 1), 1.0)
    return np.where(size > 0, distance * without, np.inf)
