"""Divide and Contrast: who trains when, on which rows, and what is left at the end."""

import pytest
import torch

from diptych.parts.clusters import divided, members
from diptych.parts.divide import NOBODY, Experts
from diptych.parts.method import Recipe
from diptych.train import train

RECIPE = Recipe(steps=9, batch_size=32)


def parts(method):
    """What the state holds of every submodule."""
    names = (
        "encoder.",
        "base.encoder.",
        "base.keys.",
        "experts.models.0.encoder.",
        "experts.models.1.encoder.",
        "heads.",
    )
    state = {key: value.clone() for key, value in method.state_dict().items()}
    return {name: [value for key, value in state.items() if key.startswith(name)] for name in names}


@pytest.fixture
def watched(digits, made, rng):
    """A small training, and the state of its parts before each stage and at the end."""
    method = made("dnc", digits, clusters=2)
    seen, begin = {}, method.begin

    def watch(stage, rows, generator):
        seen[stage] = parts(method)
        begin(stage, rows, generator)

    method.begin = watch
    train(method, digits[1], RECIPE, rng())
    return method, seen | {"end": parts(method)}


def test_each_stage_trains_its_own_parts(watched):
    _, seen = watched
    moved = {
        (one, name)
        for one, two in (("base", "experts"), ("experts", "distil"), ("distil", "end"))
        for name in seen[one]
        if not all(torch.equal(a, b) for a, b in zip(seen[one][name], seen[two][name], strict=True))
    }
    experts = {("experts", f"experts.models.{number}.encoder.") for number in range(2)}
    following = {(stage, "base.keys.") for stage in ("experts", "distil")}  # still nears the base model, unused
    student = {("distil", "encoder."), ("distil", "heads.")}
    assert moved - following == {("base", "base.encoder."), ("base", "base.keys.")} | experts | student


def test_every_training_row_has_a_cluster(watched):
    method, _ = watched
    assert sorted(method.experts.cluster.unique().tolist()) == [0, 1]


def test_the_student_is_what_is_embedded(watched, digits):
    method, _ = watched
    method.eval()
    torch.testing.assert_close(method.embed(digits[1])["backbone"], method.encoder(digits[1].x))


def test_clusters_are_those_of_the_directions(rng):
    direction = torch.eye(4)[torch.arange(40) % 4]
    z = direction * torch.linspace(1, 9, 40)[:, None]  # lengths differ, directions tell
    found = divided(z, 4, rng())
    assert len({(a, b) for a, b in zip(found.tolist(), (torch.arange(40) % 4).tolist(), strict=True)}) == 4
    assert torch.equal(found, divided(z, 4, rng()))
    assert torch.equal(divided(z, 1, rng()), torch.zeros(40, dtype=torch.long))
    with pytest.raises(ValueError, match="3 training samples cannot form 4 clusters"):
        divided(z[:3], 4, rng())


def test_rows_go_to_their_cluster():
    own = torch.tensor([2, 0, 2, NOBODY, 1, 2])
    assert [(number, rows.tolist()) for number, rows in members(own, 4)] == [(0, [1]), (1, [4]), (2, [0, 2, 5])]
    assert [number for number, _ in members(own, 4, at_least=2)] == [2]


def test_an_expert_sees_no_row_of_another_cluster(digits, made, rng):
    _, batch = digits
    method = made("dnc", digits, clusters=3).train()
    experts = method.experts
    experts.cluster.copy_(torch.tensor([0, 0, 1, 2]).repeat(32))
    views = method.view(batch.take(torch.arange(4)), rng())
    seen = {}
    for number, model in enumerate(experts.models):
        model.encoder.register_forward_pre_hook(lambda _, x, n=number: seen.setdefault(n, []).append(x[0]))
    loss = experts.loss(*views, 0.2)
    assert [*seen] == [0], "clusters with one row in the batch wait"
    assert torch.equal(seen[0][0], views[0].x[:2])
    loss.backward()
    assert all(p.grad is None for p in experts.models[1].parameters())
    statistics = [model.encoder.layers[0][1].num_batches_tracked for model in experts.models]
    assert statistics[0] > 0
    assert statistics[1] == statistics[2] == 0


def test_a_batch_without_two_of_a_cluster_has_no_gradient(digits, made, rng):
    facts, batch = digits
    method = made("dnc", digits, clusters=2)
    alone = batch.take(torch.arange(2))
    method.experts.cluster[:2] = torch.tensor([0, 1])
    loss = method.experts.loss(*method.view(alone, rng()), 0.2)
    loss.backward()
    assert loss == 0
    assert not any(p.grad is not None and p.grad.any() for p in method.parameters())


def test_one_cluster_is_training_twice_and_distilling(digits, made, rng):
    _, batch = digits
    method = made("dnc", digits, clusters=1)
    for stage in method.stages():
        method.begin(stage.name, batch, rng())
        if stage.name == "experts":
            base, expert = method.base.state_dict(), method.experts.models[0].state_dict()
            assert all(torch.equal(base[key], expert[key]) for key in base)
            v1, v2 = method.train().view(batch, rng(1))
            torch.testing.assert_close(method.loss(batch, rng(1)), method.base.loss(v1, v2, method.temperature))
    assert (method.experts.cluster == 0).all()
    assert method.loss(batch, rng()).isfinite()


def test_a_student_that_says_what_its_teachers_say_has_no_loss(digits, made, rng):
    _, batch = digits
    method = made("dnc", digits, clusters=2).eval()
    method.experts.divide(method.base, batch, rng())
    method.heads.base = torch.nn.Identity()
    method.heads.experts = torch.nn.ModuleList(torch.nn.Identity() for _ in range(2))
    h = method.base(batch.x)
    assert method.heads.loss([h], [batch], method.base, method.experts) < 1e-6
    far = method.heads.loss([-h], [batch], method.base, method.experts)
    torch.testing.assert_close(far, torch.tensor(8.0))  # ‖p̂ + p̂‖² = 4 from the base model, 4 from the expert


def test_teachers_are_frozen_while_they_teach(digits, made, rng):
    _, batch = digits
    method = made("dnc", digits, clusters=2)
    method.experts.divide(method.base, batch, rng())
    method.begin("distil", batch, rng())
    before = parts(method)
    method.train()
    method.loss(batch, rng()).backward()
    for name in ("base.encoder.", "experts.models.0.encoder."):  # statistics of norms too
        assert all(torch.equal(a, b) for a, b in zip(before[name], parts(method)[name], strict=True))
    assert all(p.grad is None for p in [*method.base.parameters(), *method.experts.parameters()])


def test_held_out_rows_have_the_base_model_alone(digits, made, rng):
    _, batch = digits
    method = made("dnc", digits, clusters=2)
    method.experts.divide(method.base, batch.take(torch.arange(100)), rng())
    assert (method.experts.cluster[100:] == NOBODY).all()
    method.begin("distil", batch, rng())
    held_out = method.loss(batch.take(torch.arange(100, 128)), rng())
    assert 0 < held_out < 4


def test_state_holds_the_division(digits, made):
    state = made("dnc", digits).state_dict()
    assert state["experts.cluster"].shape == (128,)
    assert any("keys.network" in key for key in state)
    assert isinstance(made("dnc", digits).experts, Experts)
