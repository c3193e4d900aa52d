"""The forest of the tutorial's notebook: its published figure on DARWIN, from the mirrored file."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from diptych.probes.random_forest import RandomForest

DARWIN = Path(os.environ.get("DIPTYCH_MIRROR", "")) / "darwin" / "Darwin.csv"


@pytest.mark.mirror
@pytest.mark.skipif(not DARWIN.is_file(), reason="no mirrored DARWIN file")
def test_reproduces_the_notebook_on_raw_features():
    table = pd.read_csv(DARWIN)
    x, y = table.iloc[:, 1:-1].to_numpy(float), (table["class"] == "P").to_numpy(int)
    train, test, y_train, y_test = train_test_split(x, y, test_size=0.2, stratify=y, random_state=100)
    scaler = StandardScaler().fit(train)
    probe = RandomForest()
    found = probe.predict(probe.prepare(scaler.transform(train), scaler.transform(test)), y_train, None, 2, 0)
    assert len(y_test) == 35
    assert (found.scores.argmax(1) == y_test).mean() == pytest.approx(0.886, abs=0.03)  # one row is .029
    assert roc_auc_score(y_test, found.scores[:, 1]) == pytest.approx(0.974, abs=0.02)


def test_scores_are_the_votes_of_the_trees():
    from sklearn.datasets import load_wine
    from sklearn.ensemble import RandomForestClassifier

    x, y = load_wine(return_X_y=True)
    probe = RandomForest(trees=10)
    found = probe.predict(probe.prepare(x[::2], x[1::2]), y[::2], None, 3, 4)
    model = RandomForestClassifier(10, max_depth=6, random_state=4).fit(x[::2].astype(np.float32), y[::2])
    np.testing.assert_allclose(found.scores, model.predict_proba(x[1::2].astype(np.float32)), atol=1e-6)
