"""Fine-tuning. It reads the encoder and not embeddings, so it is a stage of its own, and the only probe with torch."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from diptych.batch import Batch
from diptych.parts.method import Method
from diptych.probes.base import Array, Predictions, folds

CHUNK = 512  # rows that are scored at once


class Finetune:
    """Encoder and linear head trained by AdamW, rate and epochs by log-loss on a fifth of train, refitted on all.

    Every epoch is looked at, which is why the number of epochs has a largest value and no grid. A training sees at most
    `seen` rows, so that large sets have fewer epochs. The head learns `head` times as fast as the encoder. Nothing is
    dropped: a maximum or a batch norm behind dropout has other values in training than those that are scored.
    """

    probabilities: ClassVar[bool] = True

    def __init__(
        self,
        *,
        rates: tuple[float, ...] = (1e-4, 3e-4, 1e-3),
        epochs: int = 50,
        patience: int = 10,
        batch_size: int = 64,
        head: float = 10.0,
        weight_decay: float = 0.01,
        seen: int = 50_000,
    ) -> None:
        self.rates, self.epochs, self.patience, self.batch_size = rates, epochs, patience, batch_size
        self.head, self.weight_decay, self.seen = head, weight_decay, seen

    def predict(
        self, method: Method, rows: Batch, test: Batch, groups: Array | None, *, classes: int, seed: int
    ) -> Predictions | None:
        """Test rows after training on labelled `rows` [n] with `groups` [n]; None if the embedding has no parameter.

        `method`, in eval mode, keeps its weights.
        """
        if not _ranked(method, rows.take(torch.arange(1, device=rows.index.device))).requires_grad:
            return None
        present, codes = np.unique(cast(Tensor, rows.label).cpu().numpy(), return_inverse=True)
        rows = replace(rows, label=torch.from_numpy(codes).to(rows.index.device))
        start = self._start(method, rows, len(present), seed)
        most = max(min(self.epochs, self.seen // len(rows)), 1)
        splits = folds(codes, groups, seed=seed)
        untuned = self.rates[len(self.rates) // 2], most
        rate, epochs = self._tuned(start, rows, splits[0], most, seed) if splits else untuned
        (network,) = deque(islice(self._epochs(start, rows, rate, seed), epochs), maxlen=1)  # after the last one
        scores = np.zeros((len(test), classes), dtype=np.float32)  # a class that train does not have is never preferred
        scores[:, present] = _logits(network, test).softmax(1).float().cpu().numpy()
        flags = ("no_folds",) if not splits else ("edge_of_grid",) if epochs == most else ()
        return Predictions(scores, True, {"lr": rate, "epochs": epochs}, flags)

    def _start(self, method: Method, rows: Batch, classes: int, seed: int) -> _Classifier:
        """The network that every training begins with."""
        torch.manual_seed(seed)
        method = copy.deepcopy(method)
        norms = {norm: norm.momentum for norm in method.modules() if isinstance(norm, _BatchNorm)}
        for norm in norms:
            # Running statistics become those of the data: an untrained encoder's would outlive `patience`.
            norm.reset_running_stats()
            norm.momentum = None  # a mean over the batches
        _training(method)
        with torch.no_grad():  # in training mode, whose values the head will see
            z = torch.cat([_ranked(method, rows.take(part)) for part in self._parts(rows)])
        for norm, momentum in norms.items():
            norm.momentum = momentum
        return _Classifier(method, z, classes)

    def _parts(self, rows: Batch) -> tuple[Tensor, ...]:
        """The row numbers of an epoch, shuffled, in batches of (nearly) equal size."""
        order = torch.randperm(len(rows), device=rows.index.device)
        return order.tensor_split(-(-len(order) // self.batch_size))

    def _epochs(self, start: _Classifier, rows: Batch, rate: float, seed: int) -> Iterator[_Classifier]:
        """The network after every epoch, in eval mode."""
        torch.manual_seed(seed)
        network = copy.deepcopy(start)
        groups = [
            {"params": network.method.parameters(), "lr": rate},
            {"params": network.linear.parameters(), "lr": rate * self.head},
        ]
        optimiser = torch.optim.AdamW(groups, weight_decay=self.weight_decay)
        while True:
            _training(network)
            for part in self._parts(rows):
                batch = rows.take(part)
                loss = F.cross_entropy(network(batch), cast(Tensor, batch.label))
                optimiser.zero_grad(set_to_none=True)
                torch.autograd.backward(loss)
                optimiser.step()
            yield network.eval()

    def _tuned(
        self, start: _Classifier, rows: Batch, split: tuple[Array, Array], most: int, seed: int
    ) -> tuple[float, int]:
        """Rate and number of epochs with the smallest log-loss on held-out rows; ties: the smaller rate."""
        device = rows.index.device
        fit, held_out = (rows.take(torch.from_numpy(part).to(device)) for part in split)
        found: dict[tuple[float, int], float] = {}
        for rate in self.rates:
            networks = self._epochs(start, fit, rate, seed)
            losses = self._stopped(_loss(network, held_out) for network in islice(networks, most))
            found |= {(rate, epoch + 1): loss for epoch, loss in enumerate(losses)}
        return min(found, key=lambda choice: (found[choice], choice))

    def _stopped(self, losses: Iterator[float]) -> list[float]:
        """The losses up to where the best one is `patience` epochs old."""
        seen: list[float] = []
        for loss in losses:
            seen.append(loss)
            if len(seen) - 1 - int(np.argmin(seen)) >= self.patience:
                break
        return seen


class _Classifier(nn.Module):
    """A method's ranked embedding, scaled by the mean and sd of its first values `z` [n, d], under a linear head."""

    def __init__(self, method: Method, z: Tensor, classes: int) -> None:
        super().__init__()
        self.method, self.mean = method, z.mean(0)
        sd = z.std(0, correction=0)
        self.scale = torch.where(sd > 1e-6 * self.mean.abs(), sd, 1.0)  # rounding of a constant dimension is no signal
        self.linear = nn.Linear(z.shape[1], classes, device=z.device)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [n, classes]."""
        return cast(Tensor, self.linear((_ranked(self.method, batch) - self.mean) / self.scale))


def _training(network: nn.Module) -> None:
    """Batch norms are of the batch, dropout is off; recurrent layers of a GPU have gradients in training mode alone."""
    network.eval()
    for module in network.modules():
        if isinstance(module, _BatchNorm | nn.RNNBase):
            module.train()


def _ranked(method: Method, batch: Batch) -> Tensor:
    """The first embedding [n, d], which is the one that boards rank."""
    return next(iter(method.embed(batch).values()))


@torch.no_grad()
def _logits(network: _Classifier, rows: Batch) -> Tensor:
    parts = torch.split(torch.arange(len(rows), device=rows.index.device), CHUNK)
    return torch.cat([network(rows.take(part)) for part in parts])


def _loss(network: _Classifier, rows: Batch) -> float:
    """Log-loss; infinite where it is not a number, so that it is never the smallest."""
    loss = float(F.cross_entropy(_logits(network, rows), cast(Tensor, rows.label)))
    return loss if np.isfinite(loss) else float("inf")
