"""What AUROC and AUPRC share: the one-hot truth and the scores of the classes that occur."""

import numpy as np

from diptych.metrics.base import Undefined


def one_vs_rest(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two classes: class 1 against class 0 [n]; more: each class that occurs against the rest [n, k]."""
    present = np.unique(truth)
    if len(present) == 1:
        raise Undefined("the test rows are all of one class")
    if scores.shape[1] == 2:
        return truth == 1, scores[:, 1]
    return truth[:, None] == present, scores[:, present]
