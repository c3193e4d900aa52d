"""SCARF's training at DARWIN's size against a public PyTorch implementation, whose folder is the argument.

`make speed SCARF=…`: encoder 4 × 256, head 2 × 256, batch 128, 60 epochs of all 174 rows of 450 fields; one thread
each, in turn, in CPU time. Their epoch has two steps, of 128 and 46 rows; ours would drop the second, so it makes two
steps of 128 rows instead. Ends with an error where the training is not 20 times as fast.
"""

import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from rounds import machine, official_code, race, ratios, table, verdict
from suite import Trained, prepared

from diptych.data.samples import from_arrays
from diptych.records import read_npz, write_npz

GOAL, ROUNDS = 20.0, 3
EPOCHS, BATCH = 60, 128


class Official:
    """github.com/clabrugere/pytorch-scarf, trained as its example does."""

    def __init__(self, code: Path, data: Path) -> None:
        sys.path.insert(0, str(code))
        import torch
        from scarf.dataset import SCARFDataset
        from scarf.loss import NTXent
        from scarf.model import SCARF

        torch.set_num_threads(1)
        self.torch, self.criterion = torch, NTXent()
        samples = from_arrays(read_npz(data))
        self.rows = SCARFDataset(samples.x, samples.label)
        low, high = self.rows.features_low, self.rows.features_high
        self.make = partial(SCARF, samples.x.shape[1], low, high, 256, 4, 256, 2, corruption_rate=0.6)
        self.epochs = 1
        self.work(0)  # imports
        self.epochs = EPOCHS

    def work(self, seed: int) -> None:
        """Train."""
        self.torch.manual_seed(seed)
        model = self.make()
        optimiser = self.torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-5)
        loader = self.torch.utils.data.DataLoader(self.rows, batch_size=BATCH, shuffle=True)
        for _ in range(self.epochs):
            for x in loader:
                optimiser.zero_grad()
                loss = self.criterion(*model(x))
                loss.backward()
                optimiser.step()
                self.loss = loss.item()

    def outcome(self) -> float:
        """The last loss."""
        return self.loss


def main(code: Path) -> int:
    """Race; the exit status."""
    machine("torch", "numpy")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = {"encoder.dim": 256, "encoder.depth": 4, "out_dim": 256, "view.rate": 0.6}
        budget = {"train.batch_size": BATCH, "train.steps": 2 * EPOCHS, "train.validation": 0.0, "train.patience": 0}
        job = prepared(folder, "darwin", "scarf", size | budget)
        everything = read_npz(folder / "data.npz")
        write_npz(folder / "data.npz", everything | {"split": np.zeros_like(everything["split"])})
        ways = {"official": partial(Official, code, folder / "data.npz"), "diptych": partial(Trained, job, folder)}
        laps = race(ways, ROUNDS)
    rows = [(name, str(seed), f"{lap.seconds:.2f}") for name, own in laps.items() for seed, lap in enumerate(own)]
    table(("training", "seed", "CPU s"), rows)
    return int(not verdict("SCARF", ratios(laps["official"], laps["diptych"]), GOAL))


if __name__ == "__main__":
    sys.exit(main(official_code(__doc__)))
