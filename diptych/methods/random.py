"""The untrained encoder."""

from diptych.parts.method import ONE_VIEW, Recipe
from diptych.parts.untrained import Untrained


class Random(Untrained):
    """The encoder with its initial weights: what its architecture alone gives."""

    role = "control"
    modalities = ONE_VIEW | {"image_text": "identity"}
    missing = "impute_mean"
    recipe = Recipe(steps=0)
