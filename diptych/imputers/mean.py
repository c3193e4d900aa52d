"""Missing values as the training mean."""

from typing import ClassVar

import numpy as np

from diptych.imputers.base import Array, Imputer, mean_of


class Mean(Imputer):
    """The mean of the observed training values of a column or channel; of a categorical field, its levels' shares."""

    modalities: ClassVar[tuple[str, ...]] = ("series", "tabular")

    def _fill(self, x: Array, train: Array) -> Array:
        return np.broadcast_to(mean_of(x[train]), x.shape)
