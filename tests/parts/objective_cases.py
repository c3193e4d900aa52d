"""One line for each objective: its loop, its arguments, and what they are. Every general test runs over this table."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import oracles
import torch

from diptych.parts import objectives


def by_temperature(t):
    return {"temperature": t}


def nothing(*_):
    return {}


def labels(rng, n):
    return {"labels": np.concatenate([[0, 0, 1], rng.integers(0, 3, n)])[:n]}


def patients(rng, n):
    return {"patients": rng.integers(0, 1 + n // 3, n)}


def same(rng, n):
    return {"same": np.concatenate([[0, 1], rng.integers(0, 2, n)])[:n]}


def features(rng, n):
    return {"features": rng.normal(size=(n, 4))}


def bank(rng, n):
    return {"bank": rng.normal(size=(n + 4, 5)), "index": rng.permutation(n + 4)[:n]}


def mask(rng, n):
    return {"mask": np.concatenate([np.ones((n, 1)), rng.integers(0, 2, (n, 2))], 1)}


@dataclass(frozen=True)
class Case:
    objective: Callable[..., torch.Tensor]
    oracle: Callable[..., float]
    learned: tuple[str, ...] = ("z1", "z2")
    targets: tuple[str, ...] = ()  # arguments that get no gradient
    settings: Callable[[float], dict[str, Any]] = by_temperature
    extra: Callable[..., dict[str, np.ndarray]] = nothing
    fixed: tuple[str, ...] = ()  # arguments that do not hold one entry for each row
    ids: Callable[[int], int] | None = None  # how many names `ids` holds for n rows
    smallest: int = 2  # rows with which it is defined
    shape: dict[str, tuple[int, ...]] = field(default_factory=dict)  # of one row of an argument
    smooth: tuple[str, ...] | None = None  # where not all of learned: no stop-gradient in between


def every(n):
    return n


def paired(name, **changes):
    """An objective of two views or modalities with a temperature."""
    return Case(getattr(objectives, name), getattr(oracles, name), **{"ids": every} | changes)


def labelled(name, **changes):
    """An objective of rows with labels."""
    defaults = {"learned": ("z",), "extra": labels, "smallest": 3}
    return Case(getattr(objectives, name), getattr(oracles, name), **defaults | changes)


def sequence(function):
    """CLOCS and TransTab take a sequence of views; the table gives three arguments."""
    return lambda part0, part1, part2, **settings: function([part0, part1, part2], **settings)


def neighbourly(function, stack):
    """NCL takes neighbours of batch and queue; the table gives each row a name, and those of the queue take turns."""

    def named(query, key, queue, names, **settings):
        if names.shape != (len(query),):
            raise ValueError(f"names must be [{len(query)}]")
        everyone = stack([names, stack([names[:1] * 0 + i % 3 for i in range(len(queue))])])
        return function(query, key, queue, neighbours=names[:, None] == everyone, **settings)

    return named


def crops(function):
    """SwAV takes a sequence; the table gives three arguments."""
    return lambda scores0, scores1, scores2, **settings: function([scores0, scores1, scores2], **settings)


def predictive(name):
    sides = {"learned": ("p1", "p2"), "targets": ("z1", "z2"), "smallest": 1, "settings": nothing, "ids": None}
    return paired(name, **sides)


def margin(squared, factor=1.0):
    return lambda t: {"margin": factor * t, "squared": squared}


def reconstruction(normalise):
    return paired(
        "mae",
        learned=("predicted",),
        targets=("target",),
        settings=lambda t: {"normalise": normalise},
        extra=mask,
        ids=None,
        smallest=1,
        shape=dict.fromkeys(("predicted", "target"), (3, 4)),
    )


CASES = {
    "contrastive_pair": paired(
        "contrastive_pair", settings=lambda t: {"margin": 4 * t}, extra=same, ids=None, smallest=1
    ),
    "nce_logistic": paired(
        "nce_logistic",
        learned=("positive_scores", "negative_scores"),
        settings=lambda t: {"noise_log_prob": -math.log(20 * t)},
        ids=None,
        smallest=1,
        shape={"positive_scores": (), "negative_scores": (6,)},
    ),
    "neighbour_or_not": paired(
        "neighbour_or_not",
        learned=("near", "far"),
        settings=lambda t: {"weight": t},
        ids=None,
        smallest=1,
    ),
    "n_pair": paired("n_pair", learned=("anchor", "positive"), settings=lambda t: {"l2": t}),
    "info_nce": paired("info_nce", learned=("query", "key")),
    "decoupled_info_nce": paired("decoupled_info_nce", learned=("query", "key")),
    "moco": paired(
        "moco",
        learned=("query",),
        targets=("key", "queue"),
        extra=lambda rng, n: {"queue": rng.normal(size=(6, 5))},
        fixed=("queue",),
        ids=lambda n: n + 6,
        smallest=1,
    ),
    "ncl": Case(
        neighbourly(objectives.ncl, torch.cat),
        neighbourly(oracles.ncl, np.concatenate),
        learned=("query",),
        targets=("key", "queue"),
        settings=lambda t: {"temperature": t, "alpha": 0.3},
        extra=lambda rng, n: {"queue": rng.normal(size=(6, 5)), "names": rng.integers(0, 3, n)},
        fixed=("queue",),
        ids=lambda n: n + 6,
        smallest=1,
    ),
    "instance_softmax": paired(
        "instance_softmax",
        learned=("z",),
        targets=("bank",),
        extra=bank,
        fixed=("bank",),
        ids=lambda n: n + 4,
        smallest=1,
    ),
    "nt_xent": paired("nt_xent"),
    "nnclr": paired("nnclr", learned=("predicted",), targets=("neighbour",)),
    "supcon_out": paired("supcon_out", extra=labels, ids=None),
    "supcon_in": paired("supcon_in", extra=labels, ids=None),
    "debiased": paired("debiased", settings=lambda t: {"temperature": t, "tau_plus": 0.1}),
    "debiased, often clamped": paired("debiased", settings=lambda t: {"temperature": t, "tau_plus": 0.8}),
    "hard_negative": paired("hard_negative", settings=lambda t: {"temperature": t, "tau_plus": 0.1, "beta": 1.5}),
    "decoupled": paired("decoupled"),
    "decoupled_weighted": paired("decoupled_weighted", settings=lambda t: {"temperature": t, "sigma": 0.5}, smooth=()),
    "clip": paired("clip", settings=lambda t: {"logit_scale": 1 / t}),
    "siglip": paired("siglip", settings=lambda t: {"logit_scale": 1 / t, "logit_bias": -1.5}),
    "mixup_mcl": paired(
        "mixup_mcl", learned=("mixed", "z1", "z2"), settings=lambda t: {"temperature": t, "lam": 0.3}, ids=None
    ),
    "expclr": paired(
        "expclr",
        learned=("z",),
        targets=("features",),
        settings=lambda t: {"temperature": t, "delta": 1.5},
        extra=features,
        ids=None,
    ),
    "negative_cosine": predictive("negative_cosine"),
    "byol": predictive("byol"),
    "barlow_twins": paired("barlow_twins", settings=lambda t: {"off_diagonal_weight": t}, ids=None),
    "vicreg": paired("vicreg", settings=lambda t: {"invariance": 25.0, "variance": 25.0, "covariance": t}, ids=None),
    "swav": Case(
        crops(objectives.swav),
        crops(oracles.swav),
        learned=("scores0", "scores1", "scores2"),
        settings=lambda t: {"temperature": t, "epsilon": 0.05 + t, "iterations": 3, "assign": (0, 1)},
        smallest=1,
        smooth=("scores2",),
    ),
    "alignment": paired("alignment", settings=lambda t: {"alpha": 1 + t}, ids=None),
    "uniformity": paired("uniformity", learned=("z",), settings=lambda t: {"t": 1 + t}, ids=None),
    "vertical_partition": Case(
        sequence(objectives.vertical_partition),
        sequence(oracles.vertical_partition),
        learned=("part0", "part1", "part2"),
        ids=every,
    ),
    "clocs": Case(
        sequence(objectives.clocs), sequence(oracles.clocs), learned=("part0", "part1", "part2"), extra=patients
    ),
    "triplet": paired(
        "triplet", learned=("anchor", "positive", "negative"), settings=margin(False), ids=None, smallest=1
    ),
    "triplet, squared": paired(
        "triplet", learned=("anchor", "positive", "negative"), settings=margin(True), ids=None, smallest=1
    ),
    "triplet_batch_all": labelled("triplet_batch_all", settings=margin(False)),
    "triplet_batch_all, squared": labelled("triplet_batch_all", settings=margin(True)),
    "triplet_batch_hard": labelled("triplet_batch_hard", settings=margin(False)),
    "triplet_batch_hard, soft": labelled("triplet_batch_hard", settings=lambda t: {"margin": None, "squared": False}),
    "triplet_semi_hard": labelled("triplet_semi_hard", settings=margin(False)),
    "triplet_semi_hard, squared": labelled("triplet_semi_hard", settings=margin(True)),
    "lifted_structure": labelled("lifted_structure", settings=lambda t: {"margin": 4 * t}),
    "lifted_structure_generalised": labelled("lifted_structure_generalised", settings=lambda t: {"margin": 4 * t}),
    "soft_nearest_neighbour": labelled("soft_nearest_neighbour", settings=by_temperature, smallest=2),
    "mae": reconstruction(normalise=False),
    "mae, normalised": reconstruction(normalise=True),
}
WITH_IDS = [name for name, case in CASES.items() if case.ids]
WITH_TEMPERATURE = [name for name, case in CASES.items() if "temperature" in case.settings(1.0)]


def arrays(case, n, *, repeated=False, seed=0):
    """The arguments of a case: embeddings [n, 5] and the like; where `repeated`, the last rows equal the first."""
    rng = np.random.default_rng([n, seed])
    extra = case.extra(rng, n)
    drawn = [name for name in case.learned + case.targets if name not in extra]
    found = {name: rng.normal(size=(n, *case.shape.get(name, (5,)))) for name in drawn}
    copies = max(1, n // 3)
    for name in drawn if repeated else ():
        found[name][-copies:] = found[name][:copies]
    return found | extra


def names(case, n):
    """Objects of the rows, the last third being the first ones again."""
    found = np.arange(case.ids(n)) * 3
    found[len(found) - len(found) // 3 :] = found[: len(found) // 3]
    return found


def tensors(inputs, dtype=torch.float64):
    """Arrays as tensors, real ones in `dtype`."""
    made = {name: torch.as_tensor(value) for name, value in inputs.items()}
    return {name: value.to(dtype) if value.is_floating_point() else value for name, value in made.items()}


def loss_of(case, inputs, t=0.5, **ids):
    return case.objective(**inputs, **case.settings(t), **ids)


def with_gradients(case, inputs, t=0.5):
    """Loss, and the inputs that require a gradient after a backward pass; targets require one too."""
    leaves = {name: inputs[name].detach().clone().requires_grad_() for name in case.learned + case.targets}
    loss = loss_of(case, inputs | leaves, t)
    loss.backward()
    return loss.detach(), leaves


def drawn(n, d=5, seed=0):
    """Standard normal rows [n, d]."""
    return torch.from_numpy(np.random.default_rng([n, d, seed]).normal(size=(n, d)))


def pair(n, d=5):
    """Two independent sides [n, d]."""
    return drawn(n, d), drawn(n, d, 1)


def equal(found, expected, tolerance=1e-10):
    """Assert that two tensors or numbers agree."""
    wanted = torch.as_tensor(expected, dtype=found.dtype)
    torch.testing.assert_close(found, wanted, rtol=tolerance, atol=tolerance)
