"""Scores of probes trained on shuffled labels: a leak, or what one shuffle tells of the true labels by chance?

Where an embedding is a few tight groups, a probe gives each the label that most of its training rows were told. One
shuffle of two groups in two then names both rightly, and the probe is right about nearly all of the test set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diptych.boards.damage import Permuted, permuted
from diptych.metrics.base import load

if TYPE_CHECKING:
    from diptych.audits.kept import Kept

Array = np.ndarray


@dataclass(frozen=True)
class Shuffled:
    """A score above chance, and for each seed what its shuffle explains."""

    score: Permuted
    told: dict[int, float]

    @property
    def beyond(self) -> list[int]:
        """Seeds whose score neither chance nor the shuffle explains."""
        margin = self.score.limit - self.score.chance
        return [s for s, v in self.score.values.items() if v > max(self.score.chance, self.told[s]) + margin]

    @property
    def leaks(self) -> bool:
        """Some seed is beyond what its shuffle explains, or all of several seeds are above chance."""
        return bool(self.beyond) or (self.score.leaks and len(self.score.values) > 1)

    def __str__(self) -> str:
        by = (f"{v:.3f} (seed {s}; its shuffle explains {self.told[s]:.3f})" for s, v in self.score.values.items())
        return f"{self.score.found.mean:.3f}: {', '.join(by)}"


def above_chance(kept: Kept) -> Iterator[Shuffled]:
    """Every permuted-label score of a board whose mean over seeds is above chance."""
    places = zip(kept.board.cells["task"], kept.board.cells["row"], kept.board.cells["seed"], strict=True)
    cells = dict(zip(places, kept.board.cells["cell"], strict=True))
    cases = {case.name: case for case in kept.cases}
    for score in (score for score in permuted(kept.board) if score.strays):
        own = {seed: cases[cells[score.task, score.row, seed]].prepared().arrays for seed in score.values}
        told = {seed: explained(a["label"], a["split"], seed, score.metric) for seed, a in own.items()}
        yield Shuffled(score, told)


def explained(label: Array, split: Array, seed: int, metric: str) -> float:
    """Score of the labels that the training rows of each class were told most often, or of those that each was told."""
    train, test = label[split == 0], label[split == 1]
    shuffled = np.random.default_rng(seed).permutation(train)  # as the probe stage shuffles
    classes = int(label.max()) + 1
    heard = np.bincount(train * classes + shuffled, minlength=classes**2).reshape(classes, classes)  # [true, told]
    named = (heard + np.eye(classes) / 2).argmax(1)  # of two as frequent ones the right one
    score = load(metric)
    return max(score(test, named[test]), score(train, shuffled))
