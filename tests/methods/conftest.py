"""Small real images and tables, and methods built by the settings that the plan gives them."""

import types

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import datasets

from diptych.batch import Batch
from diptych.build import build
from diptych.catalog import ENCODERS, components
from diptych.data._encoding import encode


@pytest.fixture(scope="session")
def digits():
    """Facts and 128 grey digits of 8 × 8 pixels."""
    return _images(datasets.load_digits().images[:128, None].astype("float32") / 16)


@pytest.fixture(scope="session")
def photos():
    """Facts and 32 tiles of 16 × 16 pixels of two colour photographs."""
    corners = [(r, c) for r in (0, 200) for c in range(0, 512, 64)]
    tiles = [photo[r : r + 16, c : c + 16] for photo in datasets.load_sample_images().images for r, c in corners]
    return _images(np.stack(tiles).transpose(0, 3, 1, 2).astype("float32") / 255)


def _images(x):
    statistics = {"mean": x.mean((0, 2, 3)).tolist(), "sd": x.std((0, 2, 3)).tolist()}
    facts = {"modality": "image", "shape": [*x.shape[1:]], "n_train": len(x), "mirrored": False}
    rows = torch.arange(len(x))
    return facts | {"statistics": statistics}, Batch(torch.from_numpy(x), rows, rows)


@pytest.fixture(scope="session")
def wines():
    """Facts and 128 wines: eleven numbers with gaps, a strength of four levels and whether the hue is red."""
    frame = datasets.load_wine(as_frame=True).data.iloc[::-1][:128].reset_index(drop=True)
    frame.loc[::9, "ash"] = np.nan
    words = pd.cut(frame.pop("color_intensity"), [0, 3, 5, 8, 99], labels=["pale", "light", "deep", "dark"])
    return table(frame.assign(Strength=words.astype(str), red_hue=np.where(frame.pop("hue") > 1, "yes", "no")))


def table(frame):
    """Facts and encoded rows of a raw table."""
    encoded = encode(frame, np.ones(len(frame), dtype=bool), types.SimpleNamespace(modality="tabular"))
    rows = torch.arange(len(frame))
    return encoded.facts | {"modality": "tabular", "n_train": len(frame)}, Batch(
        torch.from_numpy(encoded.x), rows, rows
    )


@pytest.fixture(scope="session")
def made():
    """made(name, (facts, batch), …) -> a calibrated method; the same weights every time."""

    def make(name, samples, encoder=None, view=None, **settings):
        facts, batch = samples
        declared, modality = components("methods")[name].attributes, facts["modality"]
        encoder = {"name": declared["encoders"].get(modality, ENCODERS[modality])} | (encoder or {})
        view = {"name": declared["modalities"][modality]} | (view or {})
        torch.manual_seed(0)
        method = build(name, {"method": settings, "view": view, "encoder": encoder}, facts)
        method.calibrate(batch, seeded())
        return method

    return make


@pytest.fixture(scope="session")
def rng():
    """A generator of the given seed."""
    return seeded


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="session")
def one_step():
    """one_step(method, batch, player) -> by how much a step of this part along its own gradient changes the loss."""

    def run(method, batch, player):
        before = method.loss(batch, seeded())
        before.backward()
        parameters = list(getattr(method, player).parameters())
        with torch.no_grad():
            length = torch.cat([p.grad.flatten() for p in parameters]).norm()
            for parameter in parameters:
                parameter -= 0.02 * parameter.grad / length
            return method.loss(batch, seeded()) - before

    return run


@pytest.fixture(scope="session")
def descend():
    """descend(method, batch, steps) -> the losses of so many steps of Adam, each under views of its own."""

    def run(method, batch, steps, lr=1e-3):
        optimiser = torch.optim.Adam(method.train().parameters(), lr=lr)
        losses = []
        for step in range(steps):
            loss = method.loss(batch, seeded(step))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            method.after_step(batch, step / steps)
            losses.append(loss.item())
        return losses

    return run


@pytest.fixture(scope="session")
def strokes():
    """Facts and 128 digits as series of 16 steps in four channels, in reading order; every fourth one ends early."""
    x = datasets.load_digits().images[:128].reshape(128, 16, 4).astype("float32")
    x = (x - x.mean((0, 1))) / x.std((0, 1))
    x[::4, 12:] = np.nan
    rows = torch.arange(128)
    return {"modality": "series", "shape": [16, 4], "n_train": 128}, Batch(torch.from_numpy(x), rows, rows)
