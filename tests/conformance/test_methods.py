"""Every method file on every modality it declares, found and not listed."""

import inspect
import math
import re
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from diptych.batch import Graphs
from diptych.build import build
from diptych.catalog import ENCODERS, components, towers
from diptych.data.card import NEEDS
from diptych.parts.method import Recipe, load
from diptych.parts.optional import Unavailable
from diptych.parts.target import targets

METHODS = components("methods")
CASES = [(name, modality) for name, method in METHODS.items() for modality in method.attributes["modalities"]]
TRAINED = [(name, modality) for name, modality in CASES if METHODS[name].attributes["recipe"].get("steps") != 0]
WORDS = [  # that a setting of a method chooses from
    (name, setting, word)
    for name, method in METHODS.items()
    for setting, parameter in method.parameters.items()
    for word in re.findall(r"'(\w+)'", parameter.annotation)
]
ATTRACT = {"clocs", "ncl"}  # rows of one recording are positives there, as tests/methods show
STEPS = 12  # on one batch
LEARNS = 0.1  # of the loss goes at least within these steps
SLOWER = {"ncl_labels": 0.01}  # keys of a class that a hardly moved network made; at best the log of their number
SMALL = {  # of encoders, and of a frozen one: series and text take longest; the plan's own widths run in test_workflow
    "efficientnet_lite0": {"size": 32},
    "dilated": {"hidden": 16, "dim": 64, "depth": 3},
    "transformer": {"depth": 1, "dim": 64},
    "vit": {"depth": 2, "dim": 64},
    "causal": {"hidden": 8, "reduced": 16, "dim": 32, "depth": 3},
    "series_conv": {"dim": 32},
    "series_transformer": {"depth": 1, "dim": 32, "heads": 4},
    "fcn": {"dim": 32},
    "dilated_fcn": {"dim": 32},
}


def made(name, modality, small, seed=0, calibrated=True, **own):
    """A method with the settings that the plan gives it, but for the size of its encoders and `own`, and its batch."""
    facts, batch = small(modality)
    attributes, names = METHODS[name].attributes, towers(modality)
    chosen = {tower: attributes["encoders"].get(tower, ENCODERS[tower]) for tower in names}
    encoders = {tower: {"name": encoder} | SMALL.get(encoder, {}) for tower, encoder in chosen.items()}
    view = {"name": attributes["modalities"][modality]}
    encoder = encoders if len(names) > 1 else encoders[modality]
    settings = {"method": SMALL.get(name, {}) | own, "view": view, "encoder": encoder}
    torch.manual_seed(seed)
    try:
        method = build(name, settings, facts)
    except ValueError as error:
        if "needs images of 3 channels" not in str(error):
            raise
        facts, batch = coloured(facts, batch)
        method = build(name, settings, facts)
    except Unavailable as error:
        pytest.skip(str(error))
    batch = replace(batch, **dict.fromkeys({"label", "group", "time"} - attributes["uses"]))
    if calibrated:
        method.calibrate(batch, torch.Generator().manual_seed(seed))
    return method, batch


def coloured(facts, batch):
    """The digits as images of three channels: ink, its mirror image, its negative."""
    statistics = {name: value * 3 for name, value in facts["statistics"].items()}
    x = torch.cat([batch.x, batch.x.flip(3), 1 - batch.x], 1)
    return facts | {"shape": [3, *facts["shape"][1:]], "statistics": statistics}, batch.with_x(x)


def loss_of(method, batch, seed=0):
    torch.manual_seed(seed)
    return method.loss(batch, torch.Generator().manual_seed(seed))


def stages(method, batch):
    """Begin one stage after another; gives the parameters that it trains by name."""
    fixed = targets(method)
    for stage in method.stages():
        method.begin(stage.name, batch, torch.Generator().manual_seed(0))
        for name, parameter in method.named_parameters():
            parameter.grad = None
            parameter.requires_grad_(not name.startswith(fixed) and (not stage.parts or name.startswith(stage.parts)))
        yield {name: parameter for name, parameter in method.named_parameters() if parameter.requires_grad}


def finite(method, batch):
    """A loss [] and gradients without NaN or infinity; the loss."""
    loss = loss_of(method.train(), batch)
    loss.backward()
    gradients = [parameter.grad for parameter in method.parameters() if parameter.grad is not None]
    return loss.ndim == 0 and bool(loss.isfinite()) and bool(gradients) and all(g.isfinite().all() for g in gradients)


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
    assert attributes["needs"] <= set(NEEDS)
    assert attributes["seen_corruptions"] <= set(components("corruptions"))
    assert set(attributes["modalities"]) <= {*ENCODERS, "image_text"}
    assert set(attributes["modalities"].values()) <= set(components("views"))
    recipe = Recipe(**attributes["recipe"])
    assert sum(budget is not None for budget in (recipe.epochs, recipe.steps, recipe.samples)) <= 1
    if attributes["role"] == "self-supervised":
        assert "label" not in attributes["uses"]
        assert re.search(r"\b(19|20)\d\d\b", attributes["paper"]), "authors, year, title, place"
    assert recipe.per_class == 1 or "label" in attributes["uses"]


@pytest.mark.parametrize("kind", ["methods", "encoders", "views"])
def test_settings_are_annotated_literals(kind):
    for component in components(kind).values():
        for setting, parameter in component.parameters.items():
            assert parameter.annotation != "Any", f"{component.name}.{setting}"
            assert isinstance(parameter.default, int | float | str | bool | tuple), f"{component.name}.{setting}"


@pytest.mark.parametrize(("name", "modality"), TRAINED)
def test_loss_reaches_every_parameter(name, modality, small):
    method, batch = made(name, modality, small)
    idle = {parameter for parameter, _ in method.named_parameters() if not parameter.startswith(targets(method))}
    for parameters in stages(method, batch):
        assert finite(method, batch)
        for parameter, tensor in parameters.items():
            assert tensor.grad is not None, parameter
            assert tensor.grad.any(), parameter
        idle -= set(parameters)
    assert not idle, "no stage trains them"


@pytest.mark.parametrize(("name", "setting", "word"), WORDS)
def test_every_word_of_a_setting_trains(name, setting, word, small):
    modality = next(iter(METHODS[name].attributes["modalities"]))
    method, batch = made(name, modality, small, **{setting: word})
    for parameters in stages(method, batch):
        assert finite(method, batch)
        assert all(tensor.grad.any() for tensor in parameters.values())


@pytest.mark.parametrize(("name", "modality"), TRAINED)
def test_loss_of_two_samples(name, modality, small):
    method, batch = made(name, modality, small)
    for _ in stages(method, batch):
        assert finite(method, batch.take(torch.tensor([0, 5])))


@pytest.mark.parametrize(("name", "modality"), TRAINED)
def test_equal_samples_keep_loss_and_gradient_finite(name, modality, small):
    method, batch = made(name, modality, small)
    copies = replace(batch.take(torch.full((8,), 7)), key=torch.arange(8))
    for _ in stages(method, batch):
        assert finite(method, copies)


def knows_objects(method):
    """Whether an objective of the method, or of a part of it, can tell rows of one object from negatives."""
    modules = {inspect.getmodule(type(part)) for part in method.modules()}
    objectives = [
        value
        for module in modules
        for value in vars(module).values()
        if inspect.isfunction(value) and value.__module__.startswith("diptych.parts.objectives.")
    ]
    return any("ids" in inspect.signature(objective).parameters for objective in objectives)


@pytest.mark.parametrize(
    ("name", "modality"),
    [case for case in TRAINED if METHODS[case[0]].attributes["role"] == "self-supervised" and case[0] not in ATTRACT],
)
def test_rows_of_one_object_do_not_repel(name, modality, small):
    apart, paired = [], []
    for rows, losses in ((1, apart), (2, paired)):
        method, batch = made(name, modality, small)
        batch = replace(batch, key=torch.arange(64) // rows)
        for _ in stages(method.train(), batch):
            loss_of(method, batch)
            method.after_step(batch, 0.0)  # queues and banks hold these objects now
            losses.append(loss_of(method, batch))
    assert all(one <= other for one, other in zip(paired, apart, strict=True))
    assert (paired != apart) == knows_objects(method)


@pytest.mark.parametrize(("name", "modality"), TRAINED)
def test_same_seed_same_loss(name, modality, small):
    method, batch = made(name, modality, small)
    again, _ = made(name, modality, small)
    assert loss_of(method.train(), batch) == loss_of(again.train(), batch)


@pytest.mark.parametrize(("name", "modality"), TRAINED)
def test_fits_one_batch_under_frozen_views(name, modality, small):
    """The weights that it ends with have a lower loss than those it began with, under the same queues and targets."""
    method, everything = made(name, modality, small)
    batch = everything.take(torch.arange(24))
    for parameters in stages(method.train(), everything):
        initial = {name: parameter.detach().clone() for name, parameter in parameters.items()}
        optimiser = torch.optim.Adam(parameters.values(), lr=5e-3)
        for step in range(STEPS):
            optimiser.zero_grad()
            loss_of(method, batch).backward()
            optimiser.step()
            method.after_step(batch, step / STEPS)
        with torch.no_grad():
            last = loss_of(method, batch).item()
            final = {name: parameter.clone() for name, parameter in parameters.items()}
            method.load_state_dict(method.state_dict() | initial)
            first = loss_of(method, batch).item()
            method.load_state_dict(method.state_dict() | final)
        assert last < first - SLOWER.get(name, LEARNS) * abs(first), f"{first:.3f} -> {last:.3f}"


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
    trained = (name, modality) in TRAINED
    if trained:
        loss_of(method.train(), batch)  # moves the statistics of batch norms
        method.after_step(batch, 0.5)  # and queues, banks, targets
    save_file({key: value.contiguous() for key, value in method.state_dict().items()}, tmp_path / "m.safetensors")
    other, _ = made(name, modality, small, seed=1, calibrated=False)
    load(other, load_file(tmp_path / "m.safetensors"))
    expected, found = embedded(method, batch), embedded(other, batch)
    assert all(torch.equal(expected[embedding], found[embedding]) for embedding in expected)
    if trained:  # training goes on from a checkpoint after a calibration
        other.calibrate(batch, torch.Generator().manual_seed(1))
        load(other, load_file(tmp_path / "m.safetensors"))
        assert loss_of(method.train(), batch) == loss_of(other.train(), batch)


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
    for _ in stages(method, holes):
        assert finite(method, holes)


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
