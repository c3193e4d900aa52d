"""Area under the receiver operating characteristic."""

from typing import ClassVar, Literal

import numpy as np

from diptych.metrics._one_vs_rest import one_vs_rest
from diptych.metrics.base import Metric


class Auroc(Metric):
    """Chance that a member outscores a non-member; class 1 of two, else the mean over classes that occur in test."""

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    needs: ClassVar[Literal["scores"]] = "scores"
    chance: ClassVar[str] = "0.5"

    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        from sklearn.metrics import roc_auc_score

        return float(roc_auc_score(*one_vs_rest(truth, predicted), average="macro"))
