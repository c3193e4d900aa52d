"""T-Loss: the loss, one pair at a time, and where negatives come from."""

import math

import pytest
import torch

from diptych.parts.crops import crops_of

SMALL = {"hidden": 6, "reduced": 8, "dim": 10, "depth": 2}


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


@pytest.mark.parametrize("mean", [False, True])
def test_the_loss_equals_its_sum(mean, strokes, made, rng):
    _, batch = strokes
    method = made("tloss", strokes, encoder=SMALL, negatives=3, mean_negatives=mean).eval()
    batch, found = batch.take(torch.tensor([3, 50, 4])), []
    method.encoder.register_forward_hook(lambda module, inputs, z: found.append((inputs[0], z)))
    loss = method.loss(batch, rng(6))
    (_, anchor), (within, positive), (crops, negative) = found
    assert crops.shape == (9, within.shape[1], 4)
    expected = 0.0
    for i in range(3):
        expected -= math.log(sigmoid((anchor[i] @ positive[i]).item()))
        far = [math.log(sigmoid(-(anchor[i] @ negative[3 * k + i]).item())) for k in range(3)]
        expected -= sum(far) / (3 if mean else 1)
    assert loss.item() == pytest.approx(expected / 3, rel=1e-4)


def test_negatives_come_from_all_training_series(strokes, made, rng):
    _, batch = strokes
    method, seen = made("tloss", strokes, encoder=SMALL, negatives=40), []
    method.encoder.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    method.loss(batch.take(torch.arange(10)), rng())
    crops = seen[2]
    assert len(crops) == 400
    assert len(crops.nan_to_num(9).flatten(1).unique(dim=0)) > 150  # ten series would not have so many
    assert "series" not in method.state_dict()  # data, not weights


def test_crops_lie_inside_and_a_short_series_comes_whole(rng):
    x = torch.arange(12.0)[None, :, None].repeat(300, 1, 1)
    x[::2, 5:] = torch.nan
    crops = crops_of(x, 8, rng())[..., 0]
    assert torch.equal(crops[::2, :5], torch.arange(5.0).expand(150, -1))
    assert crops[::2, 5:].isnan().all()
    assert torch.equal(crops[1::2, 0].unique(), torch.arange(5.0))
    assert (crops[1::2].diff(dim=1) == 1).all()


def test_stretches_of_one_step_are_legal(made, strokes, rng):
    facts, batch = strokes
    method = made("tloss", (facts, batch), encoder=SMALL)
    for seed in range(12):
        assert method.loss(batch.take(torch.arange(6)), rng(seed)).isfinite()
