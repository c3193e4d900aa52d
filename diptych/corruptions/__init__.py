"""Corruptions of inputs and of training labels: one file each."""
