"""Instance discrimination by noise contrast: the other half of its loss."""

import torch

from diptych.batch import Batch
from diptych.build import build

FACTS = {"modality": "tabular", "shape": [6], "classes": 2, "n_train": 40, "n_test": 0, "fields": list(range(6))}
SETTINGS = {
    "method": {"noise": 16},
    "view": {"name": "two_field_corruptions"},
    "encoder": {"name": "mlp", "dim": 16, "depth": 1},
}


def test_noise_contrast_learns_to_tell_samples_apart():
    torch.manual_seed(0)
    rows = torch.arange(40)
    batch = Batch(torch.randn(40, 6), rows, rows)
    method = build("instdisc", SETTINGS, FACTS)
    rng = torch.Generator().manual_seed(0)
    method.calibrate(batch, rng)
    optimiser = torch.optim.Adam(method.parameters(), lr=1e-2)
    losses = []
    for step in range(60):
        loss = method.loss(batch, rng)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        method.after_step(batch, step / 60)
        losses.append(loss.item())
    assert sum(losses[-10:]) < 0.8 * sum(losses[1:11])
    assert torch.allclose(method.bank.rows.norm(dim=1), torch.ones(40), atol=1e-5)
