"""What missingness that depends on values shares: a logistic model whose thresholds give every family its share."""

from abc import abstractmethod

import numpy as np

from diptych.corruptions._missing import Missing, fields_of
from diptych.corruptions.base import Array
from diptych.data.samples import Samples


class Dependent(Missing):
    """A unit goes missing with probability σ(z + b): z has unit spread, b gives a split's family the share exactly.

    A family is what has a scale of its own: a table's field, a series' channel, all pixels, all words. A logistic
    variable below z + b is the same model; ranking it instead of fitting b makes shares exact and masks nested. The
    fit of b over all families at once, by which shares drift apart, is the fault of the published code
    (BorisMuzellec/MissingDataOT, `utils.py`).
    """

    @abstractmethod
    def _driver(self, values: Array, samples: Samples, rng: np.random.Generator) -> Array:
        """z [n, P, families] from the values [n, P, families], which are z-scores, 0 where missing; NaN: must stay."""

    def _priority(self, samples: Samples, rng: np.random.Generator) -> Array:
        present = self._units(samples)
        cube = _cube(present, samples)
        driver = self._driver(_z_scores(_cube(_values(samples), samples), cube, samples.split == 0), samples, rng)
        latent = np.where(cube, rng.logistic(size=driver.shape) - driver, np.nan)
        tie = rng.random((1, driver.shape[2]))  # families of one size would have equal ranks
        priority = np.empty(latent.shape)
        for split in np.unique(samples.split):
            priority[samples.split == split] = _ranks(latent[samples.split == split], tie)
        return priority.reshape(present.shape)


def _cube(units: Array, samples: Samples) -> Array:
    """Units as [n, P, families]: places in a sample, and what is on one scale."""
    if samples.modality == "tabular":
        return units[:, None, :]
    return units if samples.modality == "series" else units.reshape(len(units), -1, 1)


def _values(samples: Samples) -> Array:
    """One number for each unit: a value, a pixel's brightness, a level's or word's place by frequency."""
    x = samples.x
    assert isinstance(x, np.ndarray)
    if samples.modality == "tabular":
        return _field_values(samples, x)
    return x.mean(1) if samples.modality == "image" else x


def _field_values(samples: Samples, x: Array) -> Array:
    """Fields [n, F']: a number as it is; a level as its place, and levels stand by frequency, so that rare is large."""
    fields = fields_of(samples)  # [F]
    _, first, size = np.unique(fields, return_index=True, return_counts=True)
    weight = np.where(size[fields] > 1, np.arange(len(fields)) - first[fields], 1)  # [F]
    return np.asarray(np.nan_to_num(x) @ (weight[:, None] * np.eye(len(first))[fields]))


def _z_scores(values: Array, present: Array, train: Array) -> Array:
    """By the mean and sd of each family's training values; 0 where nothing is present."""
    known = np.where(present, values, 0.0)  # [n, P, families]
    size = np.maximum(present[train].sum((0, 1)), 1)  # [families]
    centred = np.where(present, known - known[train].sum((0, 1)) / size, 0.0)
    sd = np.sqrt((centred[train] ** 2).sum((0, 1)) / size)
    return np.asarray(centred / np.where(sd > 0, sd, 1.0))


def _ranks(latent: Array, tie: Array) -> Array:
    """Ranks within each family over its size, in (0, 1): [n, P, families]; NaN stays NaN."""
    flat = latent.reshape(-1, latent.shape[2])  # [n · P, families]
    order = np.argsort(flat, axis=0)  # NaN last
    rank = np.empty(flat.shape)
    np.put_along_axis(rank, order, np.arange(len(flat), dtype=float)[:, None], axis=0)
    size = np.maximum((~np.isnan(flat)).sum(0), 1)
    return np.where(np.isnan(flat), np.nan, (rank + tie) / size).reshape(latent.shape)
