"""Label noise: rates, transitions, nesting."""

import numpy as np
import pytest
from sklearn import datasets

from diptych.corruptions.base import load, seeded
from diptych.data.samples import Samples

LABEL = datasets.load_digits().target
SPLIT = (np.arange(len(LABEL)) % 5 == 0).astype(np.uint8)


def _samples(label=LABEL, split=SPLIT):
    rows = np.arange(len(label))
    return Samples("tabular", np.zeros((len(label), 1), np.float32), label, split, rows, rows)


def _noisy(name, severity, samples=None, seed=0):
    return load(name)(samples or _samples(), severity, seeded("digits", name, seed)).label


@pytest.mark.parametrize("name", ["label_noise_symmetric", "label_noise_class"])
@pytest.mark.parametrize("severity", [0.1, 0.2, 0.4])
def test_the_nominal_rate_is_the_effective_one(name, severity):
    noisy = _noisy(name, severity)
    train = SPLIT == 0
    assert (noisy != LABEL)[train].sum() == round(severity * train.sum())
    assert np.array_equal(noisy[~train], LABEL[~train])
    for c in range(10):
        rows = train & np.equal(LABEL, c)
        sd = np.sqrt(severity * (1 - severity) / rows.sum())
        assert abs((noisy != LABEL)[rows].mean() - severity) < 3 * sd + 0.01


def test_symmetric_noise_reaches_every_other_class_alike():
    counts = np.zeros((10, 10))
    for seed in range(20):
        noisy = _noisy("label_noise_symmetric", 0.4, seed=seed)
        np.add.at(counts, (LABEL[SPLIT == 0], noisy[SPLIT == 0]), 1)
    rates = counts / counts.sum(1, keepdims=True)
    expected = np.where(np.eye(10, dtype=bool), 0.6, 0.4 / 9)
    sd = np.sqrt(expected * (1 - expected) / counts.sum(1, keepdims=True))
    assert (np.abs(rates - expected) < 4.5 * sd).all()


def test_class_noise_goes_to_the_next_class_only():
    noisy = _noisy("label_noise_class", 0.4)
    changed = noisy != LABEL
    assert np.array_equal(noisy[changed], (LABEL[changed] + 1) % 10)


def test_two_classes_are_flipped():
    samples = _samples(LABEL % 2)
    for name in ("label_noise_symmetric", "label_noise_class"):
        noisy = _noisy(name, 0.2, samples)
        assert set(noisy) == {0, 1}
        assert (noisy != samples.label).sum() == round(0.2 * (SPLIT == 0).sum())


def test_a_row_keeps_its_wrong_class_at_higher_rates():
    low, high = _noisy("label_noise_symmetric", 0.2), _noisy("label_noise_symmetric", 0.4)
    changed = low != LABEL
    assert np.array_equal(low[changed], high[changed])


def test_a_single_class_cannot_be_confused():
    with pytest.raises(ValueError, match="single class"):
        _noisy("label_noise_symmetric", 0.2, _samples(np.zeros_like(LABEL)))


def test_class_noise_stops_before_one_half():
    with pytest.raises(ValueError, match=r"severity 0.5 is outside \[0.0, 0.49\]"):
        _noisy("label_noise_class", 0.5)
