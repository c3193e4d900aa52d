"""Every method file on every modality it declares, found and not listed."""

import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from diptych.batch import Graphs
from diptych.build import build
from diptych.catalog import ENCODERS, components, towers
from diptych.parts.method import Recipe, load

METHODS = components("methods")
CASES = [(name, modality) for name, method in METHODS.items() for modality in method.attributes["modalities"]]
TRAINED = [(name, modality) for name, modality in CASES if METHODS[name].attributes["recipe"].get("steps") != 0]
LEARNS = 0.9  # of the first loss is at most left after training on one batch


def made(name, modality, small, seed=0, calibrated=True):
    """A method, built by defaults as the plan builds it, and its batch."""
    facts, batch = small(modality)
    names = towers(modality)
    encoders = {tower: {"name": ENCODERS[tower]} for tower in names}
    view = {"name": METHODS[name].attributes["modalities"][modality]}
    settings = {"method": {}, "view": view, "encoder": encoders if len(names) > 1 else encoders[modality]}
    torch.manual_seed(seed)
    method = build(name, settings, facts)
    batch = batch if "label" in METHODS[name].attributes["uses"] else replace(batch, label=None)
    if calibrated:
        method.calibrate(batch, torch.Generator().manual_seed(seed))
    return method, batch


def loss_of(method, batch, seed=0):
    torch.manual_seed(seed)
    return method.loss(batch, torch.Generator().manual_seed(seed))


def embedded(method, batch):
    with torch.no_grad():
        return method.eval().embed(batch)


def test_all_six_modalities_have_a_method():
    self_supervised = {m for n, m in CASES if METHODS[n].attributes["role"] == "self-supervised"}
    assert self_supervised == {*ENCODERS, "image_text"}


@pytest.mark.parametrize("name", METHODS)
def test_declaration(name):
    attributes = METHODS[name].attributes
    assert attributes["role"] in ("self-supervised", "supervised", "control")
    assert attributes["missing"] in ("native", "mask_as_view", "impute_mean")
    assert attributes["uses"] <= {"label", "group", "time"}
    assert attributes["seen_corruptions"] <= set(components("corruptions"))
    assert set(attributes["modalities"]) <= {*ENCODERS, "image_text"}
    assert set(attributes["modalities"].values()) <= set(components("views"))
    recipe = Recipe(**attributes["recipe"])
    assert sum(budget is not None for budget in (recipe.epochs, recipe.steps, recipe.samples)) <= 1
    if attributes["role"] == "self-supervised":
        assert "arXiv" in attributes["paper"]


@pytest.mark.parametrize("kind", ["methods", "encoders", "views"])
def test_settings_are_annotated_literals(kind):
    for component in components(kind).values():
        for setting, parameter in component.parameters.items():
            assert parameter.annotation != "Any", f"{component.name}.{setting}"
            assert isinstance(parameter.default, int | float | str | bool | tuple), f"{component.name}.{setting}"


@pytest.mark.parametrize(("name", "modality"), TRAINED)
def test_loss_reaches_every_parameter(name, modality, small):
    method, batch = made(name, modality, small)
    loss = loss_of(method.train(), batch)
    assert loss.ndim == 0
    assert loss.isfinite()
    loss.backward()
    for parameter, tensor in method.named_parameters():
        assert tensor.grad is not None, parameter
        assert tensor.grad.isfinite().all(), parameter
        assert tensor.grad.any(), parameter


@pytest.mark.parametrize(("name", "modality"), TRAINED)
def test_loss_of_two_samples(name, modality, small):
    method, batch = made(name, modality, small)
    assert loss_of(method.train(), batch.take(torch.tensor([0, 5]))).isfinite()


@pytest.mark.parametrize(("name", "modality"), TRAINED)
def test_equal_samples_keep_loss_and_gradient_finite(name, modality, small):
    method, batch = made(name, modality, small)
    copies = replace(batch.take(torch.full((8,), 7)), key=torch.arange(8))
    loss = loss_of(method.train(), copies)
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad.isfinite().all() for p in method.parameters())


@pytest.mark.parametrize(
    ("name", "modality"),
    [
        (name, modality)
        for name, modality in TRAINED
        if METHODS[name].attributes["role"] == "self-supervised" and name != "ts2vec"  # its paper contrasts all series
    ],
)
def test_rows_of_one_object_do_not_repel(name, modality, small):
    method, batch = made(name, modality, small)
    apart, paired = (replace(batch, key=torch.arange(64) // rows) for rows in (1, 2))
    assert loss_of(method.train(), paired) < loss_of(method, apart)


@pytest.mark.parametrize(("name", "modality"), TRAINED)
def test_same_seed_same_loss(name, modality, small):
    method, batch = made(name, modality, small)
    again, _ = made(name, modality, small)
    assert loss_of(method.train(), batch) == loss_of(again.train(), batch)


@pytest.mark.parametrize(("name", "modality"), TRAINED)
def test_fits_one_batch_under_frozen_views(name, modality, small):
    method, batch = made(name, modality, small)
    batch = batch.take(torch.arange(16))
    optimiser = torch.optim.Adam(method.train().parameters(), lr=1e-3)
    losses = []
    for step in range(20):
        losses.append(loss_of(method, batch))
        optimiser.zero_grad()
        losses[-1].backward()
        optimiser.step()
        method.after_step(batch, step / 20)
    first, last = losses[0].item(), losses[-1].item()
    assert last < LEARNS * first, f"{first:.3f} -> {last:.3f}"


@pytest.mark.parametrize(("name", "modality"), [case for case in CASES if case not in TRAINED])
def test_untrained_method_refuses_to_train(name, modality, small):
    method, batch = made(name, modality, small)
    with pytest.raises(TypeError, match=r"is not trained; leave its train\.steps at 0"):
        loss_of(method, batch)


@pytest.mark.parametrize(("name", "modality"), CASES)
def test_embedding_is_deterministic_and_row_aligned(name, modality, small):
    method, batch = made(name, modality, small)
    first, again = embedded(method, batch), embedded(method, batch)
    rows = torch.tensor([5, 3, 60])
    some = embedded(method, batch.take(rows))
    assert [*first][: len(towers(modality))] == (["image", "text"] if modality == "image_text" else ["backbone"])
    for embedding, z in first.items():
        assert z.shape[0] == len(batch)
        assert z.ndim == 2
        assert torch.equal(z, again[embedding])
        torch.testing.assert_close(some[embedding], z[rows], rtol=1e-4, atol=1e-5)
        assert len(z.unique(dim=0)) > 9, "samples must not share one embedding"


@pytest.mark.parametrize(("name", "modality"), CASES)
def test_state_survives_safetensors(name, modality, small, tmp_path):
    method, batch = made(name, modality, small)
    if (name, modality) in TRAINED:
        loss_of(method.train(), batch)  # moves the statistics of batch norms
    save_file({key: value.contiguous() for key, value in method.state_dict().items()}, tmp_path / "m.safetensors")
    other, _ = made(name, modality, small, seed=1, calibrated=False)
    load(other, load_file(tmp_path / "m.safetensors"))
    expected, found = embedded(method, batch), embedded(other, batch)
    assert all(torch.equal(expected[embedding], found[embedding]) for embedding in expected)


def damaged(x, generator):
    """The same content with a third of its values missing, and a first sample without any."""
    if isinstance(x, dict):
        return {name: damaged(part, generator) for name, part in x.items()}
    if isinstance(x, Graphs):
        return Graphs(damaged(x.x, generator), x.edges, x.graph, x.count)
    lost = torch.rand(x.shape, generator=generator) < 0.3
    lost[0] = True
    return x.masked_fill(lost, torch.nan) if x.is_floating_point() else x.masked_fill(lost, 0)


@pytest.mark.parametrize(("name", "modality"), CASES)
def test_missing_values_stay_out_of_embeddings(name, modality, small):
    method, batch = made(name, modality, small)
    holes = batch.with_x(damaged(batch.x, torch.Generator().manual_seed(0)))
    assert all(z.isfinite().all() for z in embedded(method, holes).values())


@pytest.mark.parametrize(("name", "modality"), TRAINED)
def test_missing_values_stay_out_of_the_loss(name, modality, small):
    method, batch = made(name, modality, small)
    holes = batch.with_x(damaged(batch.x, torch.Generator().manual_seed(0)))
    method.calibrate(holes, torch.Generator().manual_seed(0))
    loss = loss_of(method.train(), holes)
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad.isfinite().all() for p in method.parameters())


def test_clip_clamps_its_scale_and_can_come_back(small):
    method, batch = made("clip", "image_text", small)
    with torch.no_grad():
        method.log_scale.fill_(10.0)
    method.after_step(batch, 0.5)
    assert math.exp(method.log_scale.detach()) == pytest.approx(100.0)
    loss_of(method.train(), batch).backward()
    assert method.log_scale.grad != 0


def test_clip_embeds_texts_alone(small):
    method, batch = made("clip", "image_text", small)
    prompts = batch.with_x({"text": batch.x["text"]})
    both, alone = embedded(method, batch), embedded(method, prompts)
    assert [*alone] == ["text", "text_joint"]
    assert torch.equal(alone["text_joint"], both["text_joint"])
    assert [*both] == ["image", "text", "image_joint", "text_joint"]
    torch.testing.assert_close(both["image_joint"].norm(dim=1), torch.ones(len(batch)))


def test_simcse_views_differ_by_dropout_alone(small):
    method, batch = made("simcse", "text", small)
    first, second = (method.train().embed(batch)["backbone"] for _ in range(2))
    assert not torch.allclose(first, second)
    assert loss_of(method.eval(), batch) < loss_of(method.train(), batch)  # without dropout a positive is perfect


def test_ts2vec_budget_follows_the_size_of_the_data(small):
    method, batch = made("ts2vec", "series", small)
    assert method.default_steps(batch) == 200
    assert method.default_steps(batch.with_x(torch.zeros(101, 1000, 1))) == 600


@pytest.mark.parametrize(("name", "encoder"), [("ts2vec", "mlp"), ("simcse", "mlp")])
def test_unfit_encoder_is_refused(name, encoder, small):
    view = {"name": next(iter(METHODS[name].attributes["modalities"].values()))}
    with pytest.raises(TypeError, match=f"{name} needs an encoder with .*Mlp has none"):
        build(name, {"method": {}, "view": view, "encoder": {"name": encoder}}, small("tabular")[0])
