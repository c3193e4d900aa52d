"""The head of MAE-CT."""

import torch
from torch import Tensor, nn

from diptych.parts.capabilities import Patches
from diptych.parts.heads import normed_mlp
from diptych.parts.method import Stage
from diptych.parts.objectives.nnclr import nnclr
from diptych.parts.queue import Queue
from diptych.parts.target import Target

LATER = 2 / 3  # of the rate of MAE: 1e-4 to its 1.5e-4 for 256 samples


def upper_half(encoder: Patches, decay: float) -> dict[str, float]:
    """What is tuned of an encoder, the last half of its blocks and what follows them: prefix -> share of the rate.

    What follows has the whole rate, the last block `decay` of it, each one below `decay` of the one above (the authors'
    `optimizers/param_group_modifiers/layerwise_lr_decay_modifier.py`).
    """
    depth = len(encoder.blocks)
    blocks = {f"encoder.blocks.{block}.": decay ** (depth - block) for block in range(depth // 2, depth)}
    return {"encoder.norm.": 1.0} | blocks


def stages(encoder: Patches, decay: float) -> tuple[Stage, ...]:
    """Eight tenths of the budget for MAE, one for the head, one for tuning the head and the upper half."""
    tuned = {name: share * LATER for name, share in ({"head.": 1.0} | upper_half(encoder, decay)).items()}
    return (
        Stage("mae", 0.8, ("encoder.", "decoder.")),
        Stage("head", 0.1, ("head.",), tuned),
        Stage("tune", 0.1, tuple(tuned), tuned),
    )


class NeighbourHead(nn.Module):
    """NNCLR on top of an encoder; a moving average of the projector looks neighbours up and fills the queue.

    Lehner et al. 2023, arXiv 2304.10520; a neighbour is one of the `top` nearest, never the sample itself.
    """

    newest: Tensor  # of the batch in training, until it enters the queue

    def __init__(self, dim: int, *, queue: int, top: int, hidden: int = 512, out_dim: int = 256) -> None:
        super().__init__()
        self.top = top
        self.projector = normed_mlp(dim, hidden, hidden, out_dim, last=True)
        self.predictor = normed_mlp(out_dim, 2 * hidden, out_dim)
        self.target = Target(self.projector)
        self.queue = Queue(queue, out_dim)

    def loss(self, h1: Tensor, h2: Tensor, key: Tensor, rng: torch.Generator, temperature: float) -> Tensor:
        """Both directions, for representations [n, dim] of two views of the objects `key` [n]."""
        self.newest = self.target(h1.detach())
        losses = []
        for looked_up, other in ((self.newest, h2), (self.target(h2.detach()), h1)):
            neighbour = self.queue.nearest(looked_up, key, top=self.top, rng=rng)
            predicted = self.predictor(self.projector(other))
            losses.append(nnclr(neighbour, predicted, temperature=temperature, ids=key))
        return torch.stack(losses).mean()

    def follow(self, key: Tensor, momentum: float) -> None:
        """The target follows the projector, and the batch enters the queue."""
        self.target.follow(self.projector, momentum)
        self.queue.enqueue(self.newest, key)
