"""Small real data of every modality, all made from what scikit-learn ships."""

import re
from functools import cache

import numpy as np
import pytest
import torch
from sklearn import datasets

from diptych.batch import Batch, Graphs

N = 64


@pytest.fixture(scope="session")
def small():
    """small(modality) -> (facts, batch of 64 labelled samples)."""
    return cache(_small)


@pytest.fixture(scope="session")
def photos():
    """Tiles of two colour photographs, float32 [32, 3, 32, 32] in 0..1."""
    corners = [(r, c) for r in (0, 200) for c in range(0, 512, 64)]
    tiles = [photo[r : r + 32, c : c + 32] for photo in datasets.load_sample_images().images for r, c in corners]
    return torch.from_numpy(np.stack(tiles).transpose(0, 3, 1, 2).astype("float32") / 255)


def _small(modality):
    x, shape = CONTENTS[modality]()
    facts = {"modality": modality, "shape": shape, "classes": 10, "n_train": N, "n_test": 0, "mirrored": False}
    facts |= {"statistics": {"mean": [0.3], "sd": [0.37]}, "vocabulary": _text()[1], "fields": list(range(13))}
    facts["columns"] = [{"name": name, "levels": None} for name in datasets.load_wine().feature_names]
    label = torch.from_numpy(datasets.load_digits().target[:N])
    rows = torch.arange(N)
    time = rows // 4 if modality == "series" else None
    return facts, Batch(x, rows, label if modality == "image_text" else rows, label, time=time)


def _image():
    x = datasets.load_digits().images[:N, None].astype("float32") / 16
    return torch.from_numpy(x), [1, 8, 8]


def _series():
    """The 64 pixels of a digit in reading order, as 32 steps of two channels; every fourth one ends early."""
    x = datasets.load_digits().images[:N].reshape(N, 32, 2).astype("float32")
    x = (x - x.mean((0, 1))) / x.std((0, 1))
    x[::4, 25:] = np.nan
    return torch.from_numpy(x), [32, 2]


def _tabular():
    x = datasets.load_wine().data[::2][:N]
    return torch.from_numpy(((x - x.mean(0)) / x.std(0)).astype("float32")), [13]


@cache
def _text():
    """Lines of the data sets' own descriptions, as words behind a start token."""
    loaders = (datasets.load_breast_cancer, datasets.load_diabetes, datasets.load_wine, datasets.load_digits)
    lines = [re.findall(r"[a-z]+", line.lower()) for load in loaders for line in load().DESCR.splitlines()]
    lines = list({tuple(words): None for words in lines if len(words) > 4})[:N]
    vocabulary = {word: i for i, word in enumerate(sorted({w for words in lines for w in words}), start=3)}
    x = np.zeros((N, 12), dtype=np.int64)
    for row, words in zip(x, lines, strict=True):
        row[: len(words[:11]) + 1] = [2, *(vocabulary[word] for word in words[:11])]
    return torch.from_numpy(x), len(vocabulary) + 3


def _graph():
    """Inked pixels of a digit, joined to their right and lower neighbours; attributes: ink and a constant."""
    nodes, pairs, owner = [], [], []
    for g, image in enumerate(datasets.load_digits().images[:N]):
        number = {tuple(p): len(nodes) + i for i, p in enumerate(np.argwhere(image > 6))}
        for (r, c), i in number.items():
            pairs += [(i, number[q]) for q in ((r + 1, c), (r, c + 1)) if q in number]
        nodes += [(image[p] / 16, 1.0) for p in number]
        owner += [g] * len(number)
    edges = torch.tensor(pairs).T
    both = torch.cat([edges, edges.flip(0)], 1)
    return Graphs(torch.tensor(nodes, dtype=torch.float32), both, torch.tensor(owner), N), [2]


def _image_text():
    """A digit beside its name, spelled letter by letter."""
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    text = torch.zeros(N, 6, dtype=torch.int64)
    for row, label in zip(text, datasets.load_digits().target[:N], strict=True):
        row[: len(names[label]) + 1] = torch.tensor([2, *(ord(letter) - ord("a") + 3 for letter in names[label])])
    image, shape = _image()
    return {"image": image, "text": text}, {"image": shape, "text": [6]}


CONTENTS = {
    "image": _image,
    "series": _series,
    "tabular": _tabular,
    "text": lambda: (_text()[0], [12]),
    "graph": _graph,
    "image_text": _image_text,
}
