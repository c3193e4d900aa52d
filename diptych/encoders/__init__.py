"""Encoders (backbones): one file each."""
