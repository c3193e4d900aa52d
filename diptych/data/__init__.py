"""Data sets: one file each, with a typed card; sources, preparation and reading back."""
