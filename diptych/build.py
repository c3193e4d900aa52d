"""From names and settings to a method, and from prepared arrays to a batch."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from diptych.batch import Batch, Graphs, Input
from diptych.components import component
from diptych.data.samples import Content, GraphArrays, Samples
from diptych.parts.method import Method, View

Facts = dict[str, Any]


def build(name: str, settings: dict[str, Any], facts: Facts) -> Method:
    """A method with its encoder(s) and view, from the settings of a job."""
    kind = component("methods", name)
    assert issubclass(kind, Method)
    encoder = _encoder(settings["encoder"], channel_facts(facts) if kind.by_channel else facts)
    view = _named("views", settings["view"], facts)
    assert isinstance(view, View)
    method: Method = kind(encoder, view, **_tuples(settings["method"]))
    return method


def reread(method: Method, settings: dict[str, Any], facts: Facts) -> Method:
    """A trained method whose encoder and view now read other data."""
    method.encoder = cast(Any, method.encoder).reading(facts)
    method.view = cast(View, _named("views", settings["view"], facts))
    return method


def _encoder(settings: dict[str, Any], facts: Facts) -> nn.Module:
    if "name" in settings:
        return _named("encoders", settings, facts)
    return nn.ModuleDict({tower: _named("encoders", s, tower_facts(facts, tower)) for tower, s in settings.items()})


def tower_facts(facts: Facts, tower: str) -> Facts:
    """The facts of one modality of a pair."""
    return facts | {"modality": tower, "shape": facts["shape"][tower]}


def channel_facts(facts: Facts) -> Facts:
    """The facts of one channel of a series."""
    return facts | {"shape": [facts["shape"][0], 1]}


def _named(kind: str, settings: dict[str, Any], facts: Facts) -> nn.Module:
    rest = {key: value for key, value in settings.items() if key != "name"}
    built = component(kind, settings["name"])(facts, **_tuples(rest))
    assert isinstance(built, nn.Module)
    return built


def _tuples(settings: dict[str, Any]) -> dict[str, Any]:
    """JSON has no tuples; constructors do."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}


def batch_of(samples: Samples, rows: np.ndarray, uses: frozenset[str] = frozenset()) -> Batch:
    """The chosen rows as tensors; labels, groups and times only where a method declares that it uses them."""
    everything = Batch(
        x=_input(samples.x),
        index=torch.arange(len(samples)),
        key=torch.from_numpy(samples.key),
        label=torch.from_numpy(samples.label) if "label" in uses else None,
        group=torch.from_numpy(samples.group) if "group" in uses and samples.group is not None else None,
        time=torch.from_numpy(samples.time) if "time" in uses and samples.time is not None else None,
    )
    chosen = everything.take(torch.from_numpy(rows))
    return replace(chosen, index=torch.arange(len(rows)))


def _input(x: Content) -> Input:
    if isinstance(x, GraphArrays):
        return _graphs(x)
    if isinstance(x, dict):
        return {name: _tensor(part) for name, part in x.items()}
    return _tensor(x)


def _tensor(x: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(x))


def _graphs(x: GraphArrays) -> Graphs:
    """Local node ids become rows of the one big graph."""
    nodes, edges = np.diff(x.node_offsets), np.diff(x.edge_offsets)
    shift = np.repeat(x.node_offsets[:-1], edges)  # [edges]
    graph = np.repeat(np.arange(len(nodes)), nodes)  # [nodes]
    return Graphs(_tensor(x.nodes), torch.from_numpy(x.edges + shift), torch.from_numpy(graph), len(nodes))
