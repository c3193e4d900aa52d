"""Missing values as the one before."""

from typing import ClassVar

import numpy as np
import pandas as pd

from diptych.imputers.base import Array, Imputer, mean_of


class Last(Imputer):
    """The channel's last observed value, the next one before the first; the training mean where there is neither."""

    modalities: ClassVar[tuple[str, ...]] = ("series",)

    def _fill(self, x: Array, train: Array) -> Array:
        n, steps, channels = x.shape
        by_step = pd.DataFrame(x.transpose(1, 0, 2).reshape(steps, n * channels))
        carried = by_step.ffill().bfill().to_numpy().reshape(steps, n, channels).transpose(1, 0, 2)
        return np.where(np.isnan(carried), mean_of(x[train]), carried)
