"""Neighbourhood contrastive learning: the losses that it becomes in special cases, and who is whose neighbour."""

from dataclasses import replace

import pytest
import torch

from diptych.parts.neighbourhood import Keys, moments, near_in_time
from diptych.parts.objectives import clocs, info_nce, moco, ncl, supcon_out
from diptych.plan import Plan
from diptych.spec import BenchmarkError

T = 0.3


def z(seed, n=6):
    return torch.randn(n, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def nobody(n, k):
    return torch.zeros(n, n + k, dtype=torch.bool)


def test_alone_in_its_neighbourhood_a_window_does_as_in_moco():
    query, key, queue = z(0, 1), z(1, 1), z(2, 7)
    found = ncl(query, key, queue, neighbours=nobody(1, 7), alpha=1.0, temperature=T)
    torch.testing.assert_close(found, moco(query, key, queue, temperature=T))
    assert ncl(query, key, queue, neighbours=nobody(1, 7), alpha=0.0, temperature=T).abs() < 1e-12


def test_keys_of_the_batch_are_candidates_too():
    a, b = z(0), z(1)
    batch_only = ncl(a, b, b[:1], neighbours=nobody(6, 1), alpha=1.0, temperature=T, ids=torch.tensor([*range(6), 0]))
    assert batch_only > info_nce(a, b, temperature=T)  # five rows meet one candidate more
    first = ncl(a[:1], b[:1], b[1:], neighbours=nobody(1, 5), alpha=1.0, temperature=T)
    rows = [
        ncl(a[i : i + 1], b[i : i + 1], b[torch.arange(6) != i], neighbours=nobody(1, 5), alpha=1.0, temperature=T)
        for i in range(6)
    ]
    assert rows[0] == first
    torch.testing.assert_close(torch.stack(rows).mean(), info_nce(a, b, temperature=T))


def test_without_a_limit_of_time_alignment_is_that_of_clocs():
    """Two windows of each of three recordings: there both terms of CLOCS have equal numbers of pairs."""
    a, b, recording = z(0), z(1), torch.tensor([0, 0, 1, 1, 2, 2])

    def one_way(query, key):
        rows = []
        for i in range(6):
            others = torch.arange(6) != i
            near = torch.cat([torch.ones(1, dtype=torch.bool), recording[others] == recording[i]])[None]
            rows.append(ncl(query[i : i + 1], key[i : i + 1], key[others], neighbours=near, alpha=1.0, temperature=T))
        return torch.stack(rows).mean()

    both = 2 * one_way(a, b) + 2 * one_way(b, a)
    torch.testing.assert_close(clocs([a, b], patients=recording, temperature=T), both)


def test_by_labels_alignment_is_supcon():
    z1, z2, labels = z(0), z(1), torch.tensor([0, 0, 1, 1, 1, 2])
    everything, both = torch.cat([z1, z2]), labels.repeat(2)
    rows = []
    for i in range(12):
        partner = (i + 6) % 12
        others = torch.tensor([j for j in range(12) if j not in (i, partner)])
        near = torch.cat([torch.ones(1, dtype=torch.bool), both[others] == both[i]])[None]
        views = everything[i : i + 1], everything[partner : partner + 1], everything[others]
        rows.append(ncl(*views, neighbours=near, alpha=1.0, temperature=T))
    torch.testing.assert_close(torch.stack(rows).mean(), supcon_out(z1, z2, labels=labels, temperature=T))


def test_discrimination_is_among_neighbours_alone():
    """w = ∞, α = 0: negatives are of the same recording."""
    query, key, queue = z(0, 2), z(1, 2), z(2, 4)
    near = nobody(2, 4)
    near[:, 4:] = True

    def found(queue):
        return ncl(query, key, queue, neighbours=near, alpha=0.0, temperature=T)

    strangers, kin = queue.clone(), queue.clone()
    strangers[:2], kin[2:] = -strangers[:2], -kin[2:]
    assert found(strangers) == found(queue) != found(kin)
    wanted = torch.stack([moco(query[i : i + 1], key[i : i + 1], queue[2:], temperature=T) for i in range(2)]).mean()
    torch.testing.assert_close(found(queue), wanted)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"neighbours": nobody(6, 3)}, r"neighbours must be \[6, 10\], query by key; the shape is \[6, 9\]"),
        ({"alpha": 1.5}, "alpha is a share, 0 … 1; it is 1.5"),
    ],
)
def test_wrong_arguments_are_errors(change, message):
    with pytest.raises(ValueError, match=message):
        ncl(z(0), z(1), z(2, 4), **{"neighbours": nobody(6, 4), "alpha": 0.5, "temperature": T} | change)


def test_neighbours_are_near_in_the_same_recording():
    notes = torch.tensor([[3, 5], [4, 5], [3, 7], [3, 8], [3, 2], [-1, -1]])
    keys = Keys(torch.rand(2, 4), torch.rand(4, 4), notes, torch.arange(6))
    assert near_in_time(keys, 2).tolist() == [
        [True, False, True, False, False, False],
        [False, True, False, False, False, False],
    ]
    assert near_in_time(keys, 3)[0].tolist() == [True, False, True, True, True, False]


@pytest.fixture
def recorded(strokes):
    """The digits as windows of recordings of four."""
    facts, batch = strokes
    rows = torch.arange(128)
    return facts, replace(batch, key=rows // 4, time=rows % 4, label=rows // 32)


@pytest.mark.parametrize(("name", "notes"), [("ncl", ["key", "time"]), ("ncl_labels", ["label"])])
def test_the_queue_knows_the_samples_behind_its_keys(name, notes, recorded, made, rng):
    _, batch = recorded
    method = made(name, recorded, encoder={"depth": 2})
    for rows in (torch.arange(70), torch.arange(60, 128)):
        method.loss(batch.take(rows), rng())
        method.after_step(batch.take(rows), 0.5)
    queue = method.memory.queue
    assert sorted(queue.keys.tolist()) == sorted([*range(10, 70), *range(60, 128)])
    assert torch.equal(queue.notes, torch.stack([getattr(batch, note)[queue.keys] for note in notes], 1))


def test_own_older_keys_are_no_candidates(recorded, made, rng):
    _, batch = recorded
    method = made("ncl", recorded, encoder={"depth": 2}).eval()
    batch = batch.take(torch.arange(0, 128, 4))  # one window of each recording
    before = method.loss(batch, rng())
    method.memory.queue.keys[:] = torch.arange(128)  # random rows pass as older keys of all windows
    hidden = method.loss(batch, rng())
    assert hidden < before


def test_neighbours_attract(recorded, made, descend):
    """After training on alignment alone the windows of a recording are more alike than before."""
    _, batch = recorded
    method = made("ncl", recorded, encoder={"depth": 3, "dim": 64}, alpha=1.0)

    def likeness():
        with torch.no_grad():
            h = torch.nn.functional.normalize(method.eval().embed(batch)["backbone"], dim=1)
        s = h @ h.T
        same = batch.key[:, None] == batch.key
        return (s[same].mean() - s[~same].mean()).item()

    before = likeness()
    descend(method, batch, 25)
    assert likeness() > 1.5 * before


def test_it_needs_a_place_in_a_recording(recorded, made, rng, benchmark_file):
    with pytest.raises(ValueError, match="have no place in a recording"):
        moments(replace(recorded[1], time=None))
    with pytest.raises(
        BenchmarkError, match="ncl: runs on series with a place in a recording for every sample, the da"
    ):
        Plan(benchmark_file("name: m\ndatasets: [basic_motions]\nmethods: {ncl: {}, ncl_labels: {}}\n"))
    plan = Plan(
        benchmark_file("name: m\ndatasets: [basic_motions, seglearn_watch]\nmethods: {ncl: {}, ncl_labels: {}}\n")
    )
    ran = {(cell.dataset, cell.method): plan.role(cell) for cell in plan.cells if cell.method.startswith("ncl")}
    assert ran == {
        ("basic_motions", "ncl_labels"): "supervised",
        ("seglearn_watch", "ncl"): "self-supervised",
        ("seglearn_watch", "ncl_labels"): "supervised",
    }
