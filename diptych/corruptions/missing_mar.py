"""Values missing by what other values are."""

from typing import ClassVar, Literal

import numpy as np
from scipy.ndimage import distance_transform_edt

from diptych.corruptions._dependent import Dependent
from diptych.corruptions.base import Array
from diptych.data.samples import Samples

KEPT = 0.3  # share of fields, time steps or pixels that are always observed


class MissingMar(Dependent):
    """A share of 70 % of the values (0.8: 0.56 of all) goes missing by the others (MAR; Muzellec 2020, 2002.03860).

    30 % of fields, steps or pixels, the same in every sample, never go, and the severity is the share of the others. A
    field depends on a random mix of the kept ones; a series value or pixel on the nearest kept one (of its channel).
    """

    target: ClassVar[Literal["input"]] = "input"
    modalities: ClassVar[tuple[str, ...]] = ("image", "series", "tabular")

    def _driver(self, values: Array, samples: Samples, rng: np.random.Generator) -> Array:
        table = samples.modality == "tabular"
        count = values.shape[2 if table else 1]
        if count < 2:
            raise ValueError("MissingMar: a sample of one value has no other to depend on")
        kept = np.zeros(count, dtype=bool)
        kept[rng.permutation(count)[: min(max(round(KEPT * count), 1), count - 1)]] = True
        if table:
            return _mixed(values, kept, samples.split == 0, rng)
        assert isinstance(samples.x, np.ndarray)
        places = kept.reshape(samples.x.shape[2:] if samples.modality == "image" else -1)  # [H, W] or [T]
        nearest = distance_transform_edt(~places, return_distances=False, return_indices=True)
        driver = values[:, np.ravel_multi_index(tuple(nearest), places.shape).ravel()]
        return np.where(kept[:, None], np.nan, driver)


def _mixed(values: Array, kept: Array, train: Array, rng: np.random.Generator) -> Array:
    """A random mix of the kept fields for each other one, of unit spread over training rows: [n, 1, F']."""
    driver = np.full(values.shape, np.nan)
    mix = values[:, 0, kept] @ rng.normal(size=(kept.sum(), (~kept).sum()))  # [n, others]
    sd = mix[train].std(0)
    driver[:, 0, ~kept] = mix / np.where(sd > 0, sd, 1.0)
    return driver
