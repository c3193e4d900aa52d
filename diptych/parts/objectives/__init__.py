"""Objectives: pure functions of embeddings, the mean over anchors; one file each."""
