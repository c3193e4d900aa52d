"""TS2Vec's fit on ECG200 against the official implementation, whose folder is the argument (`make speed TS2VEC=…`).

Batch 8, 200 iterations, 320 dimensions; one thread each, in turn, in CPU time. Both embeddings meet the same SVM
protocol. Ends with an error where the fit is not 2.5 times as fast, or worse by more than its seeds spread.
"""

import random
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rounds import machine, official_code, race, ratios, table, verdict
from sklearn.metrics import average_precision_score
from suite import Trained, prepared

from diptych.data.samples import Samples, from_arrays
from diptych.probes.svm import Svm
from diptych.records import read_npz

GOAL, ROUNDS = 2.5, 3
ITERATIONS = 200


class Official:
    """github.com/zhihanyue/ts2vec, as its train.py builds it for UCR sets."""

    def __init__(self, code: Path, data: Path) -> None:
        sys.path.insert(0, str(code))
        import torch
        from ts2vec import TS2Vec

        torch.set_num_threads(1)
        self.torch, self.make = torch, partial(TS2Vec, input_dims=1, output_dims=320, device="cpu", batch_size=8)
        samples = from_arrays(read_npz(data))
        self.x, self.train = samples.x, samples.x[samples.split == 0]
        self.iterations = 1
        self.work(0)  # imports
        self.iterations = ITERATIONS

    def work(self, seed: int) -> None:
        """Fit."""
        random.seed(seed)
        np.random.seed(seed)
        self.torch.manual_seed(seed)
        self.model = self.make(lr=1e-3, max_train_length=3000)
        self.model.fit(self.train.copy(), n_iters=self.iterations)

    def outcome(self) -> Any:
        """Embeddings [n, d] of all samples."""
        return self.model.encode(self.x.copy(), encoding_window="full_series")


def main(code: Path) -> int:
    """Race, score; the exit status."""
    machine("torch", "numpy", "scikit-learn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job = prepared(
            folder, "ecg200", "ts2vec", {"train.steps": ITERATIONS, "train.batch_size": 8, "encoder.dim": 320}
        )
        ways = {"official": partial(Official, code, folder / "data.npz"), "diptych": partial(Trained, job, folder)}
        laps = race(ways, ROUNDS)
        samples = from_arrays(read_npz(folder / "data.npz"))
    scores = {name: [auprc(samples, lap.outcome) for lap in own] for name, own in laps.items()}
    found = ratios(laps["official"], laps["diptych"])
    for_all = [(name, lap, score) for name in laps for lap, score in zip(laps[name], scores[name], strict=True)]
    table(
        ("fit", "seed", "CPU s", "AUPRC"),
        [(name, str(i % ROUNDS), f"{lap.seconds:.1f}", f"{score:.4f}") for i, (name, lap, score) in enumerate(for_all)],
    )
    spread = max(np.ptp(own) for own in scores.values())
    difference = np.mean(scores["diptych"]) - np.mean(scores["official"])
    print(f"AUPRC {difference:+.4f} in the mean; over seeds it spreads by {spread:.4f}")
    fast = verdict("TS2Vec", found, GOAL)
    return int(not fast or difference < -spread)


def auprc(samples: Samples, z: Any) -> float:
    """Average precision of class 1 on test, by the SVM protocol of the paper."""
    train, test, probe = samples.split == 0, samples.split == 1, Svm()
    scores = probe.predict(probe.prepare(z[train], z[test]), samples.label[train], None, 2, 0).scores
    return float(average_precision_score(samples.label[test], scores[:, 1]))


if __name__ == "__main__":
    sys.exit(main(official_code(__doc__)))
