"""Raw content of each modality to arrays, with every statistic fitted on training rows only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diptych.data._tabular import encode_table
from diptych.data._text import Tokenizer
from diptych.data.base import DataError
from diptych.data.card import Card
from diptych.data.samples import Content, GraphArrays

Z_SCORED = 0.05  # how far from 0 and 1 the mean and sd of a series may be for it to count as z-scored


@dataclass(frozen=True)
class Encoded:
    """Arrays of all rows; `facts` describes one sample, `notes` what was done."""

    x: Content
    facts: dict[str, Any]
    statistics: Mapping[str, np.ndarray] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


def encode(x: Any, train: np.ndarray, card: Card) -> Encoded:
    """The content of a data set as arrays; `train` marks the rows that statistics may see: bool [n]."""
    encoders: dict[str, Callable[[Any, np.ndarray, Card], Encoded]] = {
        "image": _image,
        "series": _series,
        "tabular": _table,
        "text": _text,
        "graph": _graph,
        "image_text": _image_text,
    }
    return encoders[card.modality](x, train, card)


def _image(x: np.ndarray, train: np.ndarray, card: Card) -> Encoded:
    """Bytes [n,H,W,C] to [n,C,H,W] in 0..1; mean and sd of each channel are for the encoder's first step."""
    mean, sd = _pixel_statistics(x[train])
    images = np.ascontiguousarray(x.transpose(0, 3, 1, 2)).astype(np.float32)
    images /= np.float32(255)
    facts = {"shape": list(images.shape[1:]), "statistics": {"mean": mean.tolist(), "sd": sd.tolist()}}
    return Encoded(images, facts, {"mean": mean, "sd": sd})


def _pixel_statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sd of each channel from the counts of its 256 levels: float32 [C], exact whatever the order of rows."""
    levels = np.arange(256) / 255
    counts = [np.bincount(x[..., channel].ravel(), minlength=256) for channel in range(x.shape[-1])]
    mean = np.array([np.average(levels, weights=count) for count in counts])
    variance = [np.average((levels - m) ** 2, weights=count) for m, count in zip(mean, counts, strict=True)]
    return mean.astype(np.float32), _positive(np.sqrt(variance)).astype(np.float32)


def _series(x: list[np.ndarray], train: np.ndarray, card: Card) -> Encoded:
    """Padded with NaN to the longest and scaled by the archives' rules, with mean and sd of training rows."""
    steps = max(len(values) for values in x)
    padded = np.full((len(x), steps, x[0].shape[1]), np.nan, np.float32)  # [n, T, C]
    for row, values in zip(padded, x, strict=True):
        row[: len(values)] = values
    facts: dict[str, Any] = {"shape": list(padded.shape[1:])}
    seen = padded[train].astype(float)
    if (empty := np.flatnonzero(np.isnan(seen).all((0, 1)))).size:
        raise DataError(f"{card.name}: channel {empty[0]} has no value in any training series")
    if padded.shape[2] == 1 and _is_z_scored(seen[..., 0]):
        return Encoded(padded, facts | {"scaling": "none: every training series is z-scored as published"})
    mean, sd = np.nanmean(seen, (0, 1)), _positive(np.nanstd(seen, (0, 1)))  # [C]
    scaled = ((padded - mean) / sd).astype(np.float32)
    rule = "mean and sd of all training values, channel by channel"
    return Encoded(scaled, facts | {"scaling": rule}, {"mean": mean, "sd": sd})


def _is_z_scored(series: np.ndarray) -> bool:
    """Whether each series [n, T] has mean 0 and sd 1 by itself; a constant one may also be all zeros."""
    present = series[~np.isnan(series).all(1)]
    mean, sd = np.nanmean(present, 1), np.nanstd(present, 1)
    return bool((np.abs(mean) < Z_SCORED).all() and ((np.abs(sd - 1) < Z_SCORED) | (sd == 0)).all())


def _table(x: Any, train: np.ndarray, card: Card) -> Encoded:
    table = encode_table(x, train)
    facts = {
        "shape": [table.x.shape[1]],
        "fields": table.statistics["field"].tolist(),  # field of each encoded column
        "columns": [
            {"name": n, "levels": v} for n, v in zip(table.columns, table.levels, strict=True)
        ],  # of each field
        "scaling": "numeric columns: mean and sd of training rows",
    }
    return Encoded(table.x, facts, table.statistics, {"columns": table.columns, "dropped": table.dropped})


def _text(x: list[str], train: np.ndarray, card: Card) -> Encoded:
    tokenizer = Tokenizer.train([text for text, seen in zip(x, train, strict=True) if seen])
    tokens, cut = tokenizer.encode(x)
    facts = {"shape": [tokens.shape[1]], "vocabulary": tokenizer.size}
    return Encoded(tokens, facts, {"tokenizer": tokenizer.stored()}, {"texts_cut": cut})


def _graph(x: GraphArrays, train: np.ndarray, card: Card) -> Encoded:
    return Encoded(x, {"shape": [x.nodes.shape[1]]})


def _image_text(x: dict[str, Any], train: np.ndarray, card: Card) -> Encoded:
    """Both towers, and the zero-shot prompts of every class: int64 [classes · templates, T], class by class."""
    image, text = _image(x["image"], train, card), _text(x["text"], train, card)
    tokenizer = Tokenizer.restored(text.statistics["tokenizer"])
    prompts, _ = tokenizer.encode([template.format(name) for name in card.classes for template in card.prompts])
    length = max(text.facts["shape"][0], prompts.shape[1])
    shape = {"image": image.facts["shape"], "text": [length]}
    facts = image.facts | text.facts | {"shape": shape}
    statistics = dict(image.statistics) | dict(text.statistics) | {"prompts": prompts}
    assert isinstance(image.x, np.ndarray)
    assert isinstance(text.x, np.ndarray)
    return Encoded({"image": image.x, "text": text.x}, facts, statistics, text.notes)


def _positive(sd: np.ndarray) -> np.ndarray:
    """A constant channel is centred and not scaled."""
    return np.where(sd > 0, sd, 1.0)
