"""Raw features against scikit-learn and by hand; the projection against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import scale

from diptych.batch import Graphs
from diptych.parts.principal_components import PrincipalComponents
from diptych.parts.raw_features import DEGREES, TOKENS, RawFeatures


def features(train, x=None):
    raw = RawFeatures(["backbone"])
    raw.calibrate(train)
    return raw(train if x is None else x)["backbone"]


def words(n, vocabulary, seed):
    """Zipf-distributed tokens with padding behind; 1 (unknown) and 2 (start) among them are no words."""
    rng = np.random.default_rng(seed)
    x = np.minimum(rng.zipf(1.5, size=(n, 20)), vocabulary - 1)
    x[np.arange(20) >= rng.integers(1, 21, size=n)[:, None]] = 0
    return torch.from_numpy(x)


def test_tfidf_equals_scikit_learn():
    train, test = words(300, 60, 0), words(50, 90, 1)  # test has tokens that train never saw
    count = {
        s: np.stack([np.bincount(row[row > 2], minlength=90) for row in x.numpy()])
        for s, x in (("train", train), ("test", test))
    }
    order = np.argsort(-count["train"].sum(0), kind="stable")
    order = order[count["train"].sum(0)[order] > 0]
    expected = TfidfTransformer(sublinear_tf=True).fit(count["train"][:, order])
    for name, x in (("train", train), ("test", test)):
        np.testing.assert_allclose(features(train, x), expected.transform(count[name][:, order]).toarray(), atol=1e-6)


def test_tfidf_keeps_the_most_frequent_tokens():
    x = torch.arange(3, 3 + TOKENS + 500).repeat(2, 1)
    x[1, 100:] = 7  # token 7 is by far the most frequent, 3 … 102 come twice
    assert features(x).shape == (2, TOKENS)
    raw = RawFeatures(["backbone"])
    raw.calibrate(x)
    assert raw.of["backbone"].tokens[0] == 7
    assert set(range(3, 103)) <= set(raw.of["backbone"].tokens.tolist())


def test_missing_pixels_take_the_channel_mean_and_values_zero():
    x = torch.rand(5, 2, 3, 3)
    x[0, 0, 1, 1] = torch.nan
    z = features(x)
    assert z.shape == (5, 18)
    assert z[0, 4].item() == pytest.approx(x[:, 0].nanmean().item())
    assert torch.equal(z[1:], x[1:].flatten(1))
    series = torch.tensor([[[1.0, torch.nan], [3, 4]]])
    assert features(series).tolist() == [[1, 0, 3, 4]]


def test_graph_statistics():
    star = [(0, leaf) for leaf in range(1, 41)]  # degree 40 falls into the last bin
    edges = torch.tensor(star + [(41, 42)]).T
    graphs = Graphs(torch.ones(45, 2), torch.cat([edges, edges.flip(0)], 1), torch.tensor([0] * 41 + [1] * 4), 2)
    graphs.x[44] = torch.nan
    z = features(graphs)
    histogram, nodes, attributes, pairs = z[:, :DEGREES], z[:, DEGREES], z[:, DEGREES + 1 : -1], z[:, -1]
    assert histogram[:, [0, 1, DEGREES - 1]].tolist() == [[0, 40, 1], [2, 2, 0]]
    assert histogram.sum(1).tolist() == nodes.tolist() == [41, 4]
    assert attributes.tolist() == [[41, 41], [3, 3]]
    assert pairs.tolist() == [40, 1]


@pytest.mark.parametrize(("width", "expected"), [(5, 5), (256, 12)])  # the last of 13 holds less than a hundredth
def test_projection_equals_scikit_learn(width, expected):
    z = torch.from_numpy(scale(load_wine().data).astype("float32"))
    components = PrincipalComponents({"backbone": width})
    components.fit({"backbone": z[:100]}, torch.Generator().manual_seed(0))
    found = components({"backbone": z})["backbone"]
    reference = PCA(expected).fit(z[:100].numpy()).transform(z.numpy())
    assert found.shape == (178, expected)
    np.testing.assert_allclose(found.abs(), np.abs(reference), atol=1e-4)


def test_components_of_few_rows_can_be_learnt_from():
    """All nine directions of ten rows, scaled, are a simplex: every row is as far from every other."""
    z = torch.from_numpy(load_wine().data.astype("float32"))[::18]
    z = (z - z.mean(0)) / z.std(0)
    components = PrincipalComponents({"backbone": 256})
    components.fit({"backbone": z}, torch.Generator().manual_seed(0))
    found = components({"backbone": z})["backbone"]
    assert found.shape[1] < 9
    assert found.square().sum() > 0.99 * (z - z.mean(0)).square().sum()
    scaled = found / found.std(0)
    assert torch.pdist(scaled).max() > 1.2 * torch.pdist(scaled).min()


@pytest.mark.filterwarnings("ignore:invalid value")  # scikit-learn's share of no variance
def test_constant_features_have_one_component():
    components = PrincipalComponents({"backbone": 8})
    components.fit({"backbone": torch.ones(5, 3)}, torch.Generator().manual_seed(0))
    assert components({"backbone": torch.ones(5, 3)})["backbone"].tolist() == [[0]] * 5
