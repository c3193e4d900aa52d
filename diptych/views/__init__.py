"""Views (augmentations): one file each; all randomness of a step lives here."""
