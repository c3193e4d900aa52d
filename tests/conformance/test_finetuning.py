"""Every method's encoder can be fine-tuned, or has nothing to fine-tune."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_methods import CASES, made

from diptych.catalog import components
from diptych.probes.finetune import Finetune

# No parameter, or a frozen one, shapes their embedding.
WITHOUT = {"raw", "pca", "kernel_pca", "efficientnet_lite0", "summary_statistics", "catch22", "minirocket", "dtw"}


@pytest.mark.parametrize(("name", "modality"), CASES)
def test_an_epoch_moves_the_encoder_and_leaves_the_method_alone(name, modality, small):
    method, batch = made(name, modality, small)
    _, labelled = small(modality)
    method.eval()
    before = {key: tensor.clone() for key, tensor in method.state_dict().items()}
    rows, test = replace(batch, label=labelled.label % 2), batch.take(torch.arange(10))
    twice = [Finetune(rates=(1e-3,), epochs=1).predict(method, rows, test, None, classes=2, seed=0) for _ in range(2)]
    if name in WITHOUT:
        assert twice == [None, None]
        return
    first, second = twice
    assert first.scores.shape == (10, 2)
    assert np.isfinite(first.scores).all()
    assert np.array_equal(first.scores, second.scores)
    assert all(torch.equal(tensor, before[key]) for key, tensor in method.state_dict().items())
    start = Finetune()._start(method, rows, 2, 0)
    tuned = next(Finetune()._epochs(start, rows, 1e-3, 0)).method.state_dict()
    moved = [key for key, parameter in start.method.named_parameters() if not torch.equal(parameter, tuned[key])]
    assert any(key.startswith("encoder.") for key in moved)


def test_probes_are_described_alike():
    attributes = components("probes")["finetune"]
    assert attributes.attributes["probabilities"] is True
    assert attributes.parameters["epochs"].default == 50
