"""Kernel PCA is scikit-learn's, also for rows it was not fitted on."""

import pytest
import torch
from sklearn.decomposition import KernelPCA


def test_new_rows_are_placed_as_scikit_learn_does(wines, made):
    facts, batch = wines
    train, new = batch.take(torch.arange(90)), batch.take(torch.arange(90, 128))
    found = made("kernel_pca", (facts, train)).embed(new)["backbone"]
    x, y = train.x.nan_to_num(0.0), new.x.nan_to_num(0.0)
    gamma = 1 / (x.shape[1] * x.var(0).mean().item())
    theirs = KernelPCA(found.shape[1], kernel="rbf", gamma=gamma).fit(x.double()).transform(y.double())
    signs = (found * torch.from_numpy(theirs)).sum(0).sign()
    torch.testing.assert_close(found.double() * signs, torch.from_numpy(theirs), rtol=1e-3, atol=1e-3)
    assert found.shape[1] > x.shape[1]  # the kernel has more components than the row has columns


def test_at_most_so_many_rows_are_compared_with(wines, made):
    _, batch = wines
    method = made("kernel_pca", wines, landmarks=50)
    projection = method.components.of["backbone"]
    assert projection.rows.shape[0] == 50
    assert method.embed(batch)["backbone"].shape[1] <= 50
    with pytest.raises(ValueError, match="kernel_pca needs scale > 0 and landmarks ≥ 2"):
        made("kernel_pca", wines, scale=0.0)
