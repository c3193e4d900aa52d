"""Missing values as regressions on the other columns say."""

import warnings
from typing import ClassVar

import numpy as np

from diptych.imputers.base import Array, Imputer, Unfit

COLUMNS = 600  # of a table, or steps × channels of a series: beyond, the rounds take minutes
ROWS = 2000  # training rows that the regressions are fitted on, evenly spaced
NEAREST = 20  # columns that one is regressed on, drawn by their correlation with it
PENALTY, ROUNDS = 10.0, 5  # columns are standardised; with less, the fills of a small table reinforce each other


class Iterative(Imputer):
    """Each column by ridge regression on the others, in rounds (chained equations; scikit-learn's IterativeImputer).

    van Buuren, Groothuis-Oudshoorn 2011, mice, Journal of Statistical Software 45(3); one filling, no draws. A series
    is one row, every step of every channel a column: a gap follows from the steps around it and other channels. Values
    stay within the range of the training values; one-hot levels become shares between 0 and 1.
    """

    modalities: ClassVar[tuple[str, ...]] = ("series", "tabular")

    def _fill(self, x: Array, train: Array) -> Array:
        flat = x.reshape(len(x), -1).astype(float)  # [n, F]
        if flat.shape[1] > COLUMNS:
            shape = " × ".join(map(str, x.shape[1:]))
            raise Unfit(f"the iterative imputer takes at most {COLUMNS} columns (steps × channels); there are {shape}")
        rows = np.flatnonzero(train)
        seen = flat[rows[np.linspace(0, len(rows) - 1, min(len(rows), ROWS)).astype(int)]]
        varied = np.nanmax(seen, 0, initial=-np.inf) > np.nanmin(seen, 0, initial=np.inf)
        found = np.where(np.isnan(flat), _constant(seen), flat)
        if varied.any():
            found[:, varied] = _regressed(seen[:, varied], flat[:, varied])
        return found.reshape(x.shape)


def _constant(seen: Array) -> Array:
    """The one value of columns that have no other in training rows, 0 where they have none."""
    return np.asarray(np.nan_to_num(np.nanmax(seen, 0, initial=-np.inf), neginf=0.0))


def _regressed(seen: Array, x: Array) -> Array:
    """All columns [n, F], filled by regressions that were fitted on `seen`."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer
    from sklearn.linear_model import Ridge

    ridge = Ridge(PENALTY)
    imputer = IterativeImputer(ridge, max_iter=ROUNDS, n_nearest_features=NEAREST, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of rounds is fixed
        imputer.fit(seen)
    return np.asarray(np.clip(imputer.transform(x), np.nanmin(seen, 0), np.nanmax(seen, 0)))
