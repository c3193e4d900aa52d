"""The suite's probes as plain scikit-learn and XGBoost would do them: each noise level, candidate and fold on its own.

The same definitions (candidates, folds, rule of choice, final fit), so the same predictions; nothing is shared.
"""

import numpy as np
import xgboost
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from diptych.probes import linear, svm
from diptych.probes.knn import SIZES, Knn
from diptych.probes.linear import Linear
from diptych.probes.xgboost import PATIENCE, Xgboost

Array = np.ndarray


def logistic(train: Array, y: Array, test: Array, seed: int) -> Array:
    """Scores [n_test, K] of logistic regression whose C is searched for by cross-validated log-loss.

    The search is the suite's own, starts of its fits included: from zero, 1 of 25 fits here took the next C, which was
    as good to 2e-6 in log-loss. What the suite shares is the scaling alone.
    """
    scaler = StandardScaler().fit(train := train.astype(np.float64))
    x, splits = scaler.transform(train), list(StratifiedKFold(5, shuffle=True, random_state=seed).split(train, y))
    exponent, _ = linear._search(linear._Paths(x, y, splits, Linear().max_iter))
    model = LogisticRegression(C=10.0**exponent, max_iter=Linear().max_iter, tol=linear.TOLERANCE).fit(x, y)
    return model.predict_proba(scaler.transform(test.astype(np.float64)))


def neighbours(train: Array, y: Array, test: Array, seed: int) -> Array:
    """Scores of nearest neighbours by cosine, k by leaving each training row out once."""
    hits = {}
    for k in (k for k in SIZES if k <= len(y) / 2):
        model = _neighbours(k).fit(train, y)
        distance, index = model.kneighbors()  # of the training rows, themselves left out
        weight = model.weights(distance)
        votes = np.stack([(weight * (y[index] == c)).sum(1) for c in range(y.max() + 1)], 1)
        hits[k] = (votes.argmax(1) == y).mean()
    k = max(hits, key=lambda size: (hits[size], size))
    return _neighbours(k).fit(train, y).predict_proba(test)


def _neighbours(k: int) -> KNeighborsClassifier:
    temperature = Knn().temperature
    return KNeighborsClassifier(k, metric="cosine", weights=lambda distance: np.exp(-distance / temperature))


def support_vectors(train: Array, y: Array, test: Array, seed: int) -> Array:
    """Scores of the SVM protocol of TS2Vec."""
    steps = max(svm.FEWEST_STEPS, svm.STEPS_PER_ROW * len(y))
    folds = StratifiedKFold(5)
    model = GridSearchCV(SVC(gamma="scale", max_iter=steps), {"C": svm.GRID}, cv=folds).fit(train.astype(np.float64), y)
    f = model.decision_function(test.astype(np.float64))
    return np.stack([-f, f], 1) if f.ndim == 1 else f


def trees(train: Array, y: Array, test: Array, seed: int, *, bins: int) -> Array:
    """Scores of boosted trees, their number by early stopping on a fifth of train."""
    settings = Xgboost(max_bin=bins)._settings(len(y), int(y.max()) + 1, seed)
    fit, valid = next(iter(StratifiedKFold(5, shuffle=True, random_state=seed).split(train, y)))
    every = xgboost.QuantileDMatrix(train, y, max_bin=bins, nthread=1)
    part = xgboost.QuantileDMatrix(train[fit], y[fit], max_bin=bins, ref=every, nthread=1)
    held_out = xgboost.QuantileDMatrix(train[valid], y[valid], max_bin=bins, ref=part, nthread=1)
    evals, patience = [(held_out, "held_out")], {"early_stopping_rounds": PATIENCE, "verbose_eval": False}
    rounds = xgboost.train(settings, part, Xgboost().trees, evals=evals, **patience).best_iteration + 1
    p = xgboost.train(settings, every, rounds).inplace_predict(test)
    return np.stack([1 - p, p], 1) if p.ndim == 1 else p
