"""Saunshi et al. 2022: two representations with the same contrastive loss, one perfect and one useless.

f(x) = x_1..k and g(x) = sign(x_k+1..2k) are both unchanged by the view and have the same distribution, so every
objective of two views is equal for them. Only f knows the class.
"""

from functools import partial

import numpy as np
import pytest
import torch

from diptych.batch import Batch
from diptych.data.prepare import prepare
from diptych.data.sign_world import CARD, KEPT, read
from diptych.parts.objectives.barlow_twins import barlow_twins
from diptych.parts.objectives.decoupled import decoupled
from diptych.parts.objectives.info_nce import info_nce
from diptych.parts.objectives.nt_xent import nt_xent
from diptych.parts.objectives.vicreg import vicreg
from diptych.probes.linear import Linear
from diptych.views.scaled_tail import ScaledTail

OBJECTIVES = {
    "nt_xent": partial(nt_xent, temperature=0.5),
    "info_nce": partial(info_nce, temperature=0.1),
    "decoupled": partial(decoupled, temperature=0.5),
    "barlow_twins": partial(barlow_twins, off_diagonal_weight=0.005),
    "vicreg": partial(vicreg, invariance=25.0, variance=25.0, covariance=1.0),
}
STEPS, BATCH = 60, 256


def useful(x):
    return x[:, :KEPT]


def useless(x):
    return x[:, KEPT : 2 * KEPT].sign()


def variable(x):
    """As `useless`, with the scale that the view changes: no minimiser."""
    return x[:, KEPT : 2 * KEPT]


@pytest.fixture(scope="module")
def world():
    return prepare(read({}), CARD, seed=0)


@pytest.fixture(scope="module")
def losses(world):
    """losses(representation, objective) -> mean over batches of training rows, and its standard error."""
    train = torch.from_numpy(world.samples.x[world.samples.split == 0])
    view = ScaledTail(world.facts, kept=KEPT)

    def measured(representation, objective):
        rng, found = torch.Generator().manual_seed(0), []
        for _ in range(STEPS):
            rows = torch.randperm(len(train), generator=rng)[:BATCH]
            z1, z2 = (representation(v.x) for v in view(Batch(train[rows], rows, rows), rng))
            found.append(OBJECTIVES[objective](z1, z2).item())
        return np.mean(found), np.std(found) / STEPS**0.5

    return measured


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_no_objective_tells_the_useful_from_the_useless(objective, losses):
    (f, f_error), (g, g_error) = losses(useful, objective), losses(useless, objective)
    assert abs(f - g) < 4 * np.hypot(f_error, g_error)
    h, h_error = losses(variable, objective)
    assert h - g > 20 * np.hypot(h_error, g_error)  # the measurement would see a difference
    assert abs(f - g) < 0.03 * (h - g)


@pytest.mark.parametrize(("representation", "least", "most"), [(useful, 0.99, 1.0), (useless, 0.45, 0.55)])
def test_only_one_of_them_knows_the_class(representation, least, most, world):
    samples, probe = world.samples, Linear()
    z, train = representation(torch.from_numpy(samples.x)).numpy(), samples.split == 0
    scores = probe.predict(probe.prepare(z[train], z[~train]), samples.label[train], None, 2, 0).scores
    assert least <= (scores.argmax(1) == samples.label[~train]).mean() <= most
