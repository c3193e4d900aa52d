"""A training that was cut off ends with the bits of an uninterrupted one: every method that is trained."""

import json
from dataclasses import replace

import pytest
import torch
from test_methods import METHODS, TRAINED, made

from diptych import checkpoint
from diptych.checkpoint import Checkpoint
from diptych.parts.method import Recipe
from diptych.train import seed_everything, train

STEPS, CUT = 9, 5
RECIPES = {  # what a loop can hold besides the method's own state
    "early stopping": {"validation": 0.25, "patience": 50},
    "average of weights": {"average_weights": True},
    "rising and falling rate": {"schedule": "cosine", "warmup": 0.4, "optimiser": "sgd", "momentum": 0.9},
}


class Cut(Exception):
    """What ends the training, in place of a kill."""


def _train(name, modality, small, recipe, kept=None, cut=0):
    """Train anew, or from a checkpoint; leave after `cut` steps."""
    method, batch = made(name, modality, small, calibrated=False)
    rng = seed_everything(3, "cpu")
    method.calibrate(batch, rng)
    steps, plain = [], method.after_step

    def after_step(batch, progress):
        plain(batch, progress)
        steps.append(progress)
        if len(steps) == cut:
            raise Cut

    method.after_step = after_step
    history = train(method, batch, recipe, rng, kept)
    return method, history, steps


def _same(name, modality, small, recipe, path, monkeypatch):
    monkeypatch.setattr(checkpoint, "SECONDS", 0)
    whole, history, _ = _train(name, modality, small, recipe)
    with pytest.raises(Cut):
        _train(name, modality, small, recipe, Checkpoint(path, "this"), cut=CUT)
    resumed, again, steps = _train(name, modality, small, recipe, Checkpoint(path, "this"))
    assert len(steps) == STEPS - CUT + 1  # the step that was cut off had not been kept
    assert replace(again, cost=history.cost) == history
    assert again.cost.seconds > 0
    assert all(torch.equal(tensor, resumed.state_dict()[key]) for key, tensor in whole.state_dict().items())


@pytest.mark.parametrize(("name", "modality"), TRAINED)
def test_every_method(name, modality, small, tmp_path, monkeypatch):
    recipe = Recipe(**METHODS[name].attributes["recipe"] | {"epochs": None, "samples": None, "steps": STEPS})
    _same(name, modality, small, replace(recipe, batch_size=16), tmp_path / "c.safetensors", monkeypatch)


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_part_of_a_recipe(recipe, small, tmp_path, monkeypatch):
    recipe = Recipe(steps=STEPS, batch_size=16, **RECIPES[recipe])
    _same("scarf", "tabular", small, recipe, tmp_path / "c.safetensors", monkeypatch)


def test_the_checkpoint_of_another_training_is_not_read(tmp_path):
    mine, others = (Checkpoint(tmp_path / "c.safetensors", identity) for identity in ("mine", "another's"))
    others.write({"losses": [1.0, float("inf")], "state": {0: {"step": torch.ones(2, 3).mT}}, "none": None})
    assert mine.read() is None
    kept = others.read()
    assert torch.equal(kept["state"][0]["step"], torch.ones(3, 2))
    assert json.dumps([kept["losses"], kept["none"]]) == "[[1.0, Infinity], null]"
    others.drop()
    assert others.read() is None
