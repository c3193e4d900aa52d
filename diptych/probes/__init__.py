"""Probes: one file each; fitted and tuned on train, scored once on test."""
