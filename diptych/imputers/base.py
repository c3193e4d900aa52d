"""The contract of an imputer: fitted on training rows, it fills the gaps of all rows and touches nothing else."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from diptych.components import component
from diptych.data.samples import Samples
from diptych.imputers import NONE

Array = np.ndarray


class Unfit(ValueError):
    """Data that an imputer cannot take; the reason says which limit they exceed."""


class Imputer(ABC):
    """Fills missing values of prepared tables and series, which are standardised: a column without any gets 0.

    Of a table, every NaN is a gap. Of a series, every NaN from its first to its last observed step, whatever the
    channel; what lies before and behind is no missing value but the end of a ragged series, and stays NaN.
    """

    modalities: ClassVar[tuple[str, ...]]

    def __call__(self, samples: Samples) -> Samples:
        """A copy without gaps; observed values keep their bits."""
        if samples.modality not in self.modalities:
            allowed = ", ".join(self.modalities)
            raise ValueError(f"{type(self).__name__} cannot fill {samples.modality} data; it fills {allowed}")
        gap = gaps(samples)
        if not gap.any():
            return samples
        x = samples.x
        assert isinstance(x, np.ndarray)
        filled = self._fill(x, samples.split == 0)
        assert np.isfinite(filled[gap]).all(), f"{type(self).__name__} left a gap"
        return samples.with_x(np.where(gap, filled, x).astype(x.dtype))

    @abstractmethod
    def _fill(self, x: Array, train: Array) -> Array:
        """Values [n, …] for every gap of `x` [n, …], learnt from the rows that `train` [n] marks."""


def load(name: str) -> Imputer:
    """The imputer of a name."""
    imputer = component("imputers", name)()
    assert isinstance(imputer, Imputer)
    return imputer


def filled(samples: Samples, name: str) -> Samples:
    """The samples as the imputer of a name leaves them; as they are for none."""
    return samples if name == NONE else load(name)(samples)


def gaps(samples: Samples) -> Array:
    """The values that an imputer fills: bool, shaped like the content."""
    x = samples.x
    assert isinstance(x, np.ndarray)
    missing: Array = np.isnan(x)
    if x.ndim == 2:
        return missing
    seen = ~np.asarray(missing.all(2))  # [n, T]
    begun, unfinished = np.cumsum(seen, 1) > 0, np.cumsum(seen[:, ::-1], 1)[:, ::-1] > 0
    return missing & (begun & unfinished)[:, :, None]


def mean_of(x: Array) -> Array:
    """The mean over all axes but the last, of what is observed: float64 [F]; 0 where nothing is."""
    flat = x.reshape(-1, x.shape[-1]).astype(float)
    count = (~np.isnan(flat)).sum(0)
    return np.asarray(np.nansum(flat, 0) / np.maximum(count, 1))
