"""Metrics: one file each, with direction and bounds."""
