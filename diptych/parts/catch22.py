"""The catch22 features by the package pycatch22, which is the optional extra `series`."""

import numpy as np
import torch
from torch import Tensor

from diptych.parts.optional import missing

COUNT = 24  # the 22, mean and deviation


def check() -> None:
    """Raise where the package is not installed."""
    try:
        import pycatch22  # noqa: F401
    except ImportError as error:
        raise missing("catch22", "the package pycatch22", "series") from error


def catch22(x: Tensor) -> Tensor:
    """The features of each channel of series [n, T, C] as [n, 24 C]; NaN where nothing was seen or a feature has none.

    A gap is bridged by a straight line, for the features are of evenly spaced values.
    """
    channels = x.detach().double().cpu().numpy().transpose(0, 2, 1).reshape(-1, x.shape[1])  # [n · C, T]
    found = np.array([_features(channel) for channel in channels])  # the package takes one series at a time
    return torch.from_numpy(found).to(x).reshape(len(x), -1)


def _features(values: np.ndarray) -> np.ndarray:
    """[T] -> [24]."""
    from pycatch22 import catch22_all

    seen = np.flatnonzero(~np.isnan(values))
    if not len(seen):
        return np.full(COUNT, np.nan)
    filled = np.interp(np.arange(seen[0], seen[-1] + 1), seen, values[seen])
    found = np.array(catch22_all(filled.tolist(), catch24=True)["values"], float)
    return np.where(np.isfinite(found), found, np.nan)
