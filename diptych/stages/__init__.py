"""Stages: one plain function of a job and its files per workflow rule."""
