"""What controls without training share."""

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import Method


class Untrained(Method):
    """A control that has no loss: its recipe gives it no steps."""

    def loss(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """Refused: there is nothing to train."""
        raise TypeError(f"{type(self).__name__} is not trained; leave its train.steps at 0")
