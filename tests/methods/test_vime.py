"""VIME sees which fields were swapped, and only where columns depend on each other."""

import pytest
import torch
from sklearn import datasets
from sklearn.metrics import roc_auc_score

from diptych.batch import Batch
from diptych.parts.fields import differ, fields_of
from diptych.views.swap_noise import SwapNoise


def found(method, batch, rng, descend):
    """AUROC of the mask head under new noise, after training."""
    descend(method, batch, 200, lr=5e-3)
    damaged, clean = method.view(batch, rng(999))
    with torch.no_grad():
        scores = method.swapped(method.backbone(damaged))
    return roc_auc_score(differ(damaged.x, clean.x, method.fields).flatten(), scores.flatten())


def test_swaps_are_seen_where_columns_depend_on_each_other(made, rng, descend):
    x = torch.tensor(datasets.load_breast_cancer().data, dtype=torch.float32)
    x = (x - x.mean(0)) / x.std(0)
    rows = torch.arange(len(x))
    facts = {"modality": "tabular", "shape": [30], "fields": list(range(30)), "n_train": len(x)}
    apart = torch.stack([column[torch.randperm(len(x), generator=rng(i))] for i, column in enumerate(x.T)], 1)
    tables = [(facts, Batch(values, rows, rows)) for values in (x, apart)]
    deeper = {"name": "mlp", "depth": 2}  # the paper's single layer sees the dependence, but less of it
    dependent, independent = (found(made("vime", table, deeper), table[1], rng, descend) for table in tables)
    assert dependent > 0.62
    assert independent < 0.55


def test_the_mask_is_what_differs(wines):
    facts, batch = wines
    fields = fields_of(facts)
    other = batch.x.clone()
    other[0, fields == 11], other[1, 3], other[2, 0] = 0.5, torch.nan, 99.0
    gap = int(batch.x[:, 2].isnan().nonzero()[0])
    changed = differ(other, batch.x, fields)
    assert changed.nonzero().tolist() == [[0, 11], [1, 3], [2, 0]]
    assert other[gap, 2].isnan()  # missing equals missing


def test_swapped_values_are_the_fields_own_and_levels_stay_whole(wines, rng):
    facts, batch = wines
    view = SwapNoise(facts, rate=0.5)
    view.calibrate(batch, rng())
    damaged, _ = view(batch, rng(1))
    fields = fields_of(facts)
    share = differ(damaged.x, batch.x, fields)[:, :11].float().mean().item()
    assert share == pytest.approx(0.5, abs=0.05)
    for field in (11, 12):
        assert torch.equal(damaged.x[:, fields == field].sum(1), torch.ones(len(batch)))  # still one level
    for column in range(11):
        assert set(damaged.x[:, column].nan_to_num(-9).tolist()) <= set(batch.x[:, column].nan_to_num(-9).tolist())


def test_kinds_of_noise(wines, rng):
    facts, batch = wines
    for kind in ("gaussian", "zero"):
        view = SwapNoise(facts, rate=0.3, kind=kind, sigma=0.2)
        damaged, _ = view(batch, rng())
        step = (damaged.x - batch.x)[~batch.x.isnan()]
        changed = step.isnan() if kind == "zero" else step != 0
        assert changed.float().mean().item() == pytest.approx(0.3, abs=0.05)
        assert kind == "zero" or step[changed].std().item() == pytest.approx(0.2, rel=0.1)
    with pytest.raises(ValueError, match=r"view\.sigma must not be negative"):
        SwapNoise(facts, sigma=-1.0)
