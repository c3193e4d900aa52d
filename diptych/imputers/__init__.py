"""Imputers of missing inputs: one file each."""

NONE = "none"  # the name of no imputer: what is missing reaches the method as NaN
