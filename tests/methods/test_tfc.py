"""TF-C: spectra, their changes, and the bound of the consistency."""

import pytest
import torch

from diptych.parts.spectrum import consistency, disturbed, magnitudes


def test_a_circular_shift_leaves_the_spectrum_alone():
    x = torch.randn(4, 30, 2)
    torch.testing.assert_close(magnitudes(x.roll(7, 1)), magnitudes(x), rtol=1e-4, atol=1e-5)
    assert magnitudes(x).shape == (4, 16, 2)
    holes = x.clone()
    holes[:, 3] = torch.nan
    zeros = x.clone()
    zeros[:, 3] = 0
    assert torch.equal(magnitudes(holes), magnitudes(zeros))


def test_a_sample_does_not_depend_on_its_batch(strokes, made):
    _, batch = strokes
    method = made("tfc", strokes).eval()
    with torch.no_grad():
        alone, together = method.embed(batch.take(torch.tensor([9])))["backbone"], method.embed(batch)["backbone"]
    torch.testing.assert_close(alone[0], together[9], rtol=1e-4, atol=1e-5)
    assert together.shape == (128, 256)
    method.readout = "representations"
    with torch.no_grad():
        assert method.embed(batch)["backbone"].shape == (128, 2 * method.encoder.dim)


def test_a_tenth_of_the_bins_goes_or_rises(rng):
    before = torch.rand(2000, 40, 1, generator=rng(1)) + 0.5
    after = disturbed(before, rng(2), rate=0.1, height=0.1)
    gone, more = after == 0, after > before
    assert not (gone.any(1) & more.any(1)).any()  # a series has the one or the other
    assert (gone | more).float().mean().item() == pytest.approx(0.1, abs=0.01)
    assert gone.float().mean().item() == pytest.approx(0.05, abs=0.01)
    assert ((after - before)[more] <= 0.1 * before.max() + 1e-6).all()
    assert torch.equal(after[~(gone | more)], before[~(gone | more)])


def test_the_encoders_have_weights_of_their_own(strokes, made):
    method = made("tfc", strokes)
    time, frequency = (part.layers[0].convolution.weight for part in (method.encoder, method.spectral))
    assert time.shape == frequency.shape
    assert not torch.allclose(time, frequency)


def test_consistency_is_a_triplet_loss():
    own, others = torch.tensor(2.0), [torch.tensor(value) for value in (2.5, 4.0, 1.0)]
    assert consistency(own, others, 1.0) == 0.5 + 0.0 + 2.0


def test_the_loss_is_the_papers_sum(strokes, made, rng, monkeypatch):
    method = made("tfc", strokes, weight=0.3)
    calls = []
    monkeypatch.setattr(
        type(method), "_near", lambda self, a, b, batch: calls.append((a, b)) or torch.tensor(1.0 * len(calls))
    )
    loss = method.loss(strokes[1], rng())
    # calls 1, 2: within time, within frequency; 3 … 5: changed pairs; 6: the pair itself
    assert loss.item() == pytest.approx(0.3 * (1 + 2) + 0.7 * ((6 - 3 + 1) + (6 - 4 + 1) + (6 - 5 + 1)))
    assert [a.shape[1] for a, _ in calls] == [128, 128, 128, 128, 128, 128]
    assert calls[5][0] is calls[2][0]  # time of the series itself
    assert calls[3][1] is calls[5][1]  # its frequency
    assert calls[4][0] is calls[3][0]
    assert calls[4][1] is calls[2][1]
