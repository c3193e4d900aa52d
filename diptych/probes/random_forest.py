"""A random forest, for the tutorial's table."""

from typing import ClassVar

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from diptych.probes.base import Array, Predictions, Probe


class RandomForest(Probe):
    """Random forest with the settings of the tutorial's SCARF notebook (sandhyat/ContrastiveLearning_Tutorial)."""

    probabilities: ClassVar[bool] = True

    def __init__(self, *, trees: int = 100, max_depth: int = 6) -> None:
        self.trees, self.max_depth = trees, max_depth

    def _prepare(self, train: Array, test: Array) -> tuple[Array, Array]:
        return train.astype(np.float32), test.astype(np.float32)

    def restrict(self, prepared: tuple[Array, Array], rows: Array) -> tuple[Array, Array]:
        """Nothing is shared with other rows."""
        return prepared[0][rows], prepared[1]

    def _test_rows(self, prepared: tuple[Array, Array]) -> int:
        return len(prepared[1])

    def _predict(self, prepared: tuple[Array, Array], y: Array, groups: Array | None, seed: int) -> Predictions:
        train, test = prepared
        settings = {"trees": self.trees, "max_depth": self.max_depth}
        model = RandomForestClassifier(self.trees, max_depth=self.max_depth, random_state=seed, n_jobs=1).fit(train, y)
        return Predictions(model.predict_proba(test), True, settings, held_out=_out_of_bag(model, train, y))


def _out_of_bag(model: RandomForestClassifier, train: Array, y: Array) -> Array:
    """Whether the trees that did not see a row call it rightly [m], for the rows that some tree did not see."""
    rows = np.arange(len(y))
    unseen = np.stack([~np.isin(rows, drawn) for drawn in model.estimators_samples_])  # [trees, n]
    votes = sum(out[:, None] * tree.predict_proba(train) for tree, out in zip(model.estimators_, unseen, strict=True))
    hits: Array = (np.asarray(votes).argmax(1) == y)[unseen.any(0)].astype(float)
    return hits
