"""Budgets that depend on the data."""

from torch import Tensor


def steps_by_size(x: Tensor) -> int:
    """TS2Vec's: 200 steps for training series [n, T, C] of up to 100,000 values, else 600."""
    return 200 if x.numel() <= 100_000 else 600
