"""The keys among which neighbourhood contrastive learning looks for neighbours."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from diptych.batch import Batch
from diptych.parts.queue import Queue
from diptych.parts.target import Target


class Keys(NamedTuple):
    """A batch's keys and those in the queue, and what is known of their samples."""

    own: Tensor  # [n, d]
    queue: Tensor  # [k, d]
    notes: Tensor  # [n + k, notes], whole numbers
    ids: Tensor  # [n + k], rows of the training split


class Neighbourhood(nn.Module):
    """A slowly following network that makes keys, and a queue that keeps them with `notes` of their samples."""

    def __init__(self, encoder: nn.Module, projector: nn.Module, *, size: int, dim: int, notes: int) -> None:
        super().__init__()
        self.target, self.queue = Target(nn.Sequential(encoder, projector)), Queue(size, dim, notes=notes)

    def keys(self, view: Batch, notes: Tensor) -> Keys:
        """Keys of a view and of earlier batches; `notes` [n, notes] are those of the view's samples."""
        own = self.target(view.x)
        self.latest = own, view.index, notes
        known, ids = torch.cat([notes, self.queue.notes]), torch.cat([view.index, self.queue.keys])
        return Keys(own, self.queue.rows, known, ids)

    def follow(self, encoder: nn.Module, projector: nn.Module, momentum: float) -> None:
        """The network follows; the latest keys enter the queue."""
        self.target.follow(nn.Sequential(encoder, projector), momentum)
        self.queue.enqueue(*self.latest)


def moments(batch: Batch) -> Tensor:
    """Recording of each sample and its place in it, as notes: [n, 2]."""
    if batch.time is None:
        raise ValueError("the samples of this data set have no place in a recording (time)")
    return torch.stack([batch.key, batch.time], 1)


def near_in_time(keys: Keys, within: int) -> Tensor:
    """Boolean [n, n + k]: keys of the same recording, at most `within` places from the sample."""
    recording, place = (keys.notes[: len(keys.own), None] - keys.notes).unbind(2)  # [n, n + k]: how far apart
    return (recording == 0) & (place.abs() <= within)


def equal(keys: Keys) -> Tensor:
    """Boolean [n, n + k]: keys whose note is the sample's; there is one."""
    return keys.notes[: len(keys.own)] == keys.notes.mT
