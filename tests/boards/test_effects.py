"""Stated effects: planted ones are found in each kind, absent ones hardly ever, and missing cells are said."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from boards.world import ROLES, World
from diptych import effects
from diptych.boards import effect_figures
from diptych.boards.effects import interval, judge
from diptych.boards.frame import Board

TEMPERATURES = (0.05, 0.1, 0.5, 1.0)
BATCHES = (32, 128, 512)
AXIS = {"simclr": [{"temperature": t} for t in TEMPERATURES], "random": [{}], "supervised": [{}]}
BATCH = {m: [{"train.batch_size": b, "encoder.width": w} for b in BATCHES for w in (1, 2)] for m in ("simclr", "dcl")}
ENCODERS = {"simclr": [{"encoder.name": n, "view.name": v} for v in ("mild", "strong") for n in ("conv", "mlp", "vit")]}
RISES = {"claim": "it rises (A 2020)", "kind": "rises", "of": {"method": "simclr"}, "along": "temperature"}
PEAKS = RISES | {"kind": "peaks"}
ABOVE = {"claim": "it is better (B 2021)", "kind": "above", "of": {"method": "dcl"}, "over": {"method": "simclr"}}
STEEPER = ABOVE | {
    "kind": "steeper",
    "of": {"method": "simclr"},
    "over": {"method": "dcl"},
    "along": "train.batch_size",
}
COLLAPSES = {"claim": "it collapses (C 2020)", "kind": "collapses", "of": {"method": "byol", "predict": False}}
FELL = "std·√d of normalised projections 1.2e-05 (limit 0.1)"
SPLITS = {"claim": "loss is not enough (D 2022)", "kind": "splits", "of": {"method": "simclr"}}


@pytest.fixture
def simulated(tmp_path):
    """A board of a world whose cells have what functions of (point, method, rng) say."""

    def make(grids, stated, score, *, seeds=(0, 1, 2), noise=0.01, draw=0, **more):
        modalities = more.pop("modalities", {"digits": "image"})
        world = World(root=tmp_path / "results", modalities=modalities, grids=grids, skills={}, seeds=seeds,
                      effects=[stated] if isinstance(stated, dict) else stated)  # fmt: skip
        effects.check(world)
        rng = np.random.default_rng(draw)
        offsets = dict(zip(seeds, rng.normal(0, 5 * noise, len(seeds)), strict=True))  # seeds differ as a whole
        cells, results = [], []
        for cell in world.cells:
            value = score(world.flat(cell), cell) + offsets[cell.seed] + rng.normal(0, noise)
            cells.append(about(world, cell, **{name: found(world.flat(cell), cell) for name, found in more.items()}))
            results += scored(cells[-1], value)
        pd.DataFrame(cells).to_parquet(tmp_path / "cells.parquet")
        pd.DataFrame(results).to_parquet(tmp_path / "results.parquet")
        return Board(world, tmp_path)

    return make


def about(world, cell, **more):
    """A line of cells.parquet."""
    params = json.dumps({name: str(value) for name, value in world.flat(cell).items()})
    known = {"cell": cell.path, "dataset": cell.dataset, "method": cell.method, "config": cell.config}
    known |= {"condition": "", "seed": cell.seed, "params": params, "role": ROLES.get(cell.method, "self-supervised")}
    known |= {"status": "ok", "reason": "", "embedding": "backbone", "seconds": 1.0, "mean_final_loss": 4.0}
    return known | {"x": np.nan, "spread": np.nan} | more


def scored(known, value):
    """The lines of a cell in results.parquet: a score, and health of the projections and of the ranked embedding."""
    line = {name: known[name] for name in ("cell", "dataset", "method", "condition", "params", "status", "reason")}
    line |= {"corruption": "clean", "severity": 0.0, "n": 100}
    if known["status"] != "ok":
        return [line | {"embedding": "", "probe": "", "corruption": "", "metric": "", "value": np.nan}]
    health = [("shared_information", known["x"]), ("std_ratio", known["spread"])]
    lines = [line | {"embedding": "backbone", "probe": "linear", "metric": "accuracy", "value": value}]
    for embedding, shift in (("backbone", 100.0), ("projector", 0.0)):
        lines += [
            line | {"embedding": embedding, "probe": "health", "metric": m, "value": v + shift} for m, v in health
        ]
    return lines


def verdict(board):
    (found,) = judge(board)
    return found


def linear(flat, _):
    return 0.6 + 0.1 * flat.get("temperature", 0.0)


# ---------------------------------------------------------------------- planted effects


@pytest.mark.parametrize(("slope", "kind", "expected"), [
    (0.1, "rises", "shown"), (-0.1, "rises", "opposite"), (-0.1, "falls", "shown"), (0.1, "falls", "opposite"),
])  # fmt: skip
def test_rises_and_falls_are_told_by_their_ends(simulated, slope, kind, expected):
    board = simulated(AXIS, RISES | {"kind": kind}, lambda flat, _: 0.6 + slope * flat.get("temperature", 0))
    found = verdict(board)
    assert found.verdict == expected
    assert found.difference.mean == pytest.approx(slope * 0.95, abs=0.03)  # in the metric's own direction
    assert found.difference.low < found.difference.mean < found.difference.high
    pattern = rf"{expected.capitalize()}: it rises \(A 2020\): accuracy 0\.\d+ at temperature 0.05 → 0\.\d+ at 1, "
    assert re.match(pattern + r"[+-]0\.\d{3} \[[+-]0\.\d{3}, [+-]0\.\d{3}\], 3 seeds\.$", found.line), found.line


def test_the_difference_is_that_of_the_seeds_and_the_interval_is_students(simulated):
    board = simulated(AXIS, RISES, linear)
    table = board.scores.assign(t=board.scores["params"].map(lambda p: float(json.loads(p).get("temperature", "nan"))))
    seed = table["cell"].str.rpartition("/")[2]
    wide = table[table["method"] == "simclr"].assign(seed=seed).pivot_table(index="seed", columns="t", values="value")
    differences = (wide[1.0] - wide[0.05]).to_numpy()
    half = 4.302652729911275 * differences.std(ddof=1) / np.sqrt(3)  # t(0.975, 2)
    found = verdict(board).difference
    assert found.mean == pytest.approx(differences.mean())
    assert (found.low, found.high) == (pytest.approx(found.mean - half), pytest.approx(found.mean + half))


def test_a_peak_inside_is_found_and_a_rise_is_the_opposite(simulated):
    found = verdict(simulated(AXIS, PEAKS, lambda flat, _: 0.7 + 0.1 * (flat.get("temperature") == 0.1)))
    assert found.verdict == "shown"
    assert "inside (0.1)" in found.line
    assert verdict(simulated(AXIS, PEAKS, linear)).verdict == "opposite"


def test_a_measured_axis_is_ordered_by_what_was_measured(simulated):
    stated = PEAKS | {"along": "shared_information"}
    measured = {0.05: 3.0, 0.1: 1.0, 0.5: 2.0, 1.0: 4.0}  # nats; neither the order of the file nor of the numbers
    board = simulated(
        AXIS, stated, lambda flat, _: 0.7 + 0.1 * (flat.get("temperature") == 0.5),
        x=lambda flat, cell: measured.get(flat.get("temperature"), 9.0) + 0.01 * cell.seed,
    )  # fmt: skip
    found = verdict(board)
    assert found.verdict == "shown"
    assert "along shared_information" in found.line
    assert "inside (2.01)" in found.line
    exact = {"x": lambda flat, _: measured.get(flat.get("temperature"), 9.0)}
    ends = verdict(simulated(AXIS, stated | {"kind": "rises"}, lambda *_: 0.7, **exact))
    assert "shared_information 1.00 → " in ends.line
    assert "at 4.00" in ends.line


def test_above_is_paired_at_the_settings_that_both_have(simulated):
    grids = BATCH | {"dcl": [{"train.batch_size": b, "encoder.width": 1} for b in (32, 2048)]}

    def score(flat, cell):
        return 0.5 + flat["train.batch_size"] / 4096 + 0.05 * (cell.method == "dcl")

    assert verdict(simulated(BATCH, ABOVE, score)).verdict == "shown"
    found = verdict(simulated(grids, ABOVE, score))
    assert found.verdict == "shown"
    assert found.difference.mean == pytest.approx(0.05, abs=0.03)  # 2048 has no partner
    assert ": accuracy 0." in found.line
    assert "for dcl, 0." in found.line


def test_above_with_nothing_in_common_averages_all_other_axes(simulated):
    grids = {"dcl": [{"queue": 1}, {"queue": 2}], "simclr": [{}]}
    assert verdict(simulated(grids, ABOVE, lambda _, cell: 0.1 * (cell.method == "dcl"))).verdict == "shown"


def test_the_same_method_on_two_data_sets(simulated):
    """The other method shows nothing: of each side only the named data set counts."""
    sides = [{"method": "dcl", "dataset": name} for name in ("mixed", "grouped")]
    stated = {"claim": "it leaks (E 2024)", "kind": "above", "of": sides[0], "over": sides[1]}
    modalities = dict.fromkeys(("grouped", "mixed"), "series")

    def score(flat, cell):
        return 0.6 + 0.2 * (cell.method == "dcl" and cell.dataset == "mixed")

    grids = {"dcl": [{"temperature": t} for t in TEMPERATURES], "simclr": [{}]}
    board = simulated(grids, stated, score, modalities=modalities)
    found = verdict(board)
    assert found.verdict == "shown"
    assert found.difference.mean == pytest.approx(0.2, abs=0.05)
    assert "for dcl (dataset=mixed)" in found.line
    assert not re.search(r"on (mixed|grouped)", found.line)  # what it is on is what is compared
    assert verdict(simulated({"dcl": [{}]}, stated, lambda *_: 0.6, modalities=modalities)).verdict == "not shown"
    ((caption, figure),) = effect_figures.plots(board, [found])
    assert "a thin line for each seed" in caption  # along the temperature both sides would be one curve
    assert "dataset=grouped" in figure


def test_points_of_an_axis_are_compared_at_the_same_setting_of_the_others(simulated):
    points = [{"temperature": 0.1, "train.batch_size": b} for b in (64, 256, 1024)]
    grids = {"simclr": [{"temperature": 1.0, "train.batch_size": 256}, *points]}
    board = simulated(grids, RISES, lambda flat, _: flat["train.batch_size"] / 1024)
    assert verdict(board).difference.mean == pytest.approx(0.0, abs=0.03)  # not 448/1024 less at 0.1


def test_steeper_compares_two_rises(simulated):
    def score(flat, cell):
        return 0.5 + 0.05 * np.log2(flat["train.batch_size"] / 32) * (cell.method == "simclr")

    found = verdict(simulated(BATCH, STEEPER, score))
    assert found.verdict == "shown"
    assert found.difference.mean == pytest.approx(0.2, abs=0.03)
    assert re.search(r"from train.batch_size 32 to 512: \+0.\d+ for simclr, .* for dcl; difference \+0.", found.line)


def test_collapse_is_told_by_the_statuses(simulated):
    grids, claim = {"byol": [{"predict": True}, {"predict": False}]}, COLLAPSES

    def status(fell):
        return {"status": lambda flat, cell: "collapsed" if fell(flat["predict"], cell.seed) else "ok"}

    def found(fell):
        return verdict(simulated(grids, claim, lambda *_: 0.5, **status(fell)))

    shown = found(lambda predict, _: not predict)
    assert shown.verdict == "shown"
    assert shown.line.endswith("3 of 3 cells collapsed, 0 of 3 beside them, 3 seeds.")
    assert found(lambda predict, seed: not predict and seed > 0).verdict == "not shown"
    assert found(lambda *_: True).verdict == "not shown"
    assert found(lambda predict, _: predict).verdict == "opposite"
    assert found(lambda *_: False).verdict == "not shown"


def test_only_what_over_names_must_not_collapse(simulated):
    points = [{"predict": p, "stop_gradient": s} for p in (True, False) for s in (True, False)]
    claim = {"claim": "c", "kind": "collapses", "of": {"method": "simsiam", "predict": False}}
    beside = {"over": {"method": "simsiam", "predict": True, "stop_gradient": True}}

    def status(flat, _):
        return "ok" if flat["predict"] and flat["stop_gradient"] else "collapsed"

    board = simulated({"simsiam": points}, [claim, claim | beside], lambda *_: 0.5, status=status)
    assert [found.verdict for found in judge(board)] == ["not shown", "shown"]


def test_equal_losses_with_unequal_scores_split(simulated):
    skill = {"conv": 0.9, "mlp": 0.6, "vit": 0.8}
    losses = {"conv": 4.00, "mlp": 4.03, "vit": 4.9}

    def loss(flat, _):
        return losses[flat["encoder.name"]] + 9 * (flat["view.name"] == "strong")

    found = verdict(simulated(ENCODERS, SPLITS, lambda flat, _: skill[flat["encoder.name"]], mean_final_loss=loss))
    assert found.verdict == "shown"
    assert found.difference.mean == pytest.approx(0.3, abs=0.03)
    assert "at loss 4.000 (simclr (encoder.name=conv" in found.line
    assert "at loss 4.030 (simclr (encoder.name=mlp" in found.line
    cubed = {"mean_final_loss": lambda flat, _: losses[flat["encoder.name"]] ** 3}
    apart = verdict(simulated(ENCODERS, SPLITS, lambda *_: 0.5, **cubed))
    assert apart.line == "Not shown: loss is not enough (D 2022): no two losses lie within 1%, 3 seeds."


def test_losses_of_other_views_are_not_compared(simulated):
    def loss(flat, _):
        step = {"conv": 1, "mlp": 2, "vit": 3}[flat["encoder.name"]]
        return step + 0.001 * (flat["view.name"] == "strong")  # equal across views, unequal across encoders

    board = simulated(ENCODERS, SPLITS, lambda flat, _: 0.5 * (flat["view.name"] == "strong"), mean_final_loss=loss)
    assert verdict(board).verdict == "not shown"


# ---------------------------------------------------------------------- no effect, no data


def rate(board, draws=300):
    """Share of the verdicts over draws of noise around one and the same score."""
    verdicts, rng = [], np.random.default_rng(0)
    for _ in range(draws):
        board.__dict__["scores"] = board.scores.assign(value=rng.normal(0.5, 0.01, len(board.scores)))
        verdicts.append(verdict(board).verdict)
    return {name: verdicts.count(name) / draws for name in ("shown", "opposite")}


@pytest.mark.parametrize(("grids", "stated"), [(AXIS, RISES), (BATCH, ABOVE), (BATCH, STEEPER)])
def test_without_an_effect_the_interval_excludes_0_in_one_of_twenty(simulated, grids, stated):
    found = rate(simulated(grids, stated, lambda *_: 0.5, seeds=(0, 1, 2, 3)))
    assert 0.012 <= found["shown"] + found["opposite"] <= 0.088  # 5 %; 3 sd of 300 draws are 3.8 %
    assert found["shown"] <= 0.052  # 2.5 % and 3 sd


def test_a_flat_axis_hardly_ever_peaks(simulated):
    """Chosen by their own scores, the best of seven inside would stand out from two ends nearly every fifth time."""
    grids = {"simclr": [{"temperature": t} for t in range(1, 10)]}
    assert rate(simulated(grids, PEAKS, lambda *_: 0.5))["shown"] <= 0.052


def test_the_largest_of_many_differences_at_equal_loss_is_hardly_ever_a_split(simulated):
    grids = {"simclr": [{"encoder.name": str(n)} for n in range(6)]}
    assert rate(simulated(grids, SPLITS, lambda *_: 0.5))["shown"] <= 0.088  # 5 % and 3 sd


def test_missing_cells_are_counted_and_nothing_is_judged(simulated):
    def status(flat, cell):
        return {0.05: ("diverged", "timeout", "ok")[cell.seed], 0.5: "oom"}.get(flat.get("temperature"), "ok")

    found = verdict(simulated(AXIS, RISES, linear, status=status))
    assert (found.verdict, found.missing) == ("not measured", 2)
    # What lies inside is not needed.
    assert found.line == "Not measured (2 of 6 cells have no score: 1 diverged, 1 timeout): it rises (A 2020)."
    inside = verdict(simulated(AXIS, PEAKS, linear, status=status))
    assert inside.line.startswith("Not measured (5 of 12 cells have no score: 1 diverged, 1 timeout, 3 oom)")
    assert np.isnan(inside.difference.mean)
    points = {"byol": [{"predict": True}, {"predict": False}]}
    fell = verdict(simulated(points, COLLAPSES, linear, status=lambda *_: "oom"))
    assert fell.line.startswith("Not measured (3 of 3 cells did not run to an end): ")


def test_a_cell_without_the_measured_axis_is_missing(simulated):
    stated = RISES | {"along": "shared_information"}
    absent = {"x": lambda flat, _: np.nan if flat.get("temperature") == 0.5 else 1.0}
    found = verdict(simulated(AXIS, stated, linear, **absent))
    assert found.line.startswith("Not measured (3 of 12 cells have no score or shared_information)")


def test_one_seed_has_no_interval(simulated):
    for grids, stated in ((AXIS, RISES), (AXIS, PEAKS), (BATCH, ABOVE), (ENCODERS, SPLITS)):
        found = verdict(simulated(grids, stated, linear, seeds=(0,), noise=0.0))
        assert found.line.startswith("Not shown (one seed: no interval): ")
    assert np.isnan(interval(np.array([0.3])).low)


def test_data_sets_are_averaged_inside_a_seed(simulated):
    def score(flat, cell):
        return 0.5 + (0.3 if cell.dataset == "digits" else -0.1) * (flat.get("temperature", 0) == 1.0)

    sets = {"digits": "image", "mnist5k": "image"}
    both = verdict(simulated(AXIS, RISES, score, modalities=sets))
    assert both.difference.mean == pytest.approx(0.1, abs=0.03)
    assert both.line.endswith("3 seeds, on digits, mnist5k.")
    one = verdict(simulated(AXIS, RISES | {"datasets": ["mnist5k"]}, score, modalities=sets))
    assert one.difference.mean == pytest.approx(-0.1, abs=0.03)


def test_where_lower_is_better_a_rise_is_a_smaller_number(simulated):
    board = simulated(AXIS, RISES, linear)
    board.results["metric"] = board.results["metric"].replace("accuracy", "log_loss")
    board.plan.cards["digits"] = board.plan.cards["digits"].model_copy(update={"metric": "log_loss"})
    found = verdict(board)
    assert found.verdict == "opposite"
    assert found.difference.mean > 0


# ---------------------------------------------------------------------- figures and pages


def test_effects_along_one_axis_share_a_figure(simulated):
    board = simulated(BATCH, [STEEPER, ABOVE, STEEPER | {"kind": "rises", "over": None}], lambda *_: 0.5)
    ((caption, svg),) = effect_figures.plots(board, judge(board))
    assert caption.startswith("Effects 1, 2, 3: score over train.batch_size")
    for expected in ("512", "simclr encoder.width=1", "dcl encoder.width=2", "digits"):
        assert expected in svg


def test_every_kind_has_its_figure(simulated):
    grids = AXIS | {"byol": [{"predict": True}, {"predict": False}]} | {"swav": ENCODERS["simclr"]}
    pair = ABOVE | {"of": {"method": "byol", "predict": True}}
    stated = [PEAKS | {"along": "shared_information"}, COLLAPSES, SPLITS | {"of": {"method": "swav"}}, pair]
    board = simulated(
        grids, stated, lambda *_: 0.5, x=lambda flat, cell: flat.get("temperature", 0.0), spread=lambda *_: 0.4,
        status=lambda flat, cell: "ok" if flat.get("predict", True) else "collapsed",
        reason=lambda flat, cell: "" if flat.get("predict", True) else FELL,
    )  # fmt: skip
    captions, svgs = zip(*effect_figures.plots(board, judge(board)), strict=True)
    assert [caption.partition(":")[0] for caption in captions] == ["Effect 1", "Effect 2", "Effect 3", "Effect 4"]
    assert "at most ln of 512 candidates" in captions[0]
    told = ("shared_information", "byol (predict=False)", "training loss", "simclr")
    for svg, expected in zip(svgs, told, strict=True):
        assert expected in svg
    assert "not drawn" not in captions[1]  # the reason of the collapsed cells has their number


def test_positive_numbers_over_a_wide_span_are_drawn_on_a_log_axis():
    assert effect_figures._is_wide(effect_figures._places(["32", "128", "512"]))
    assert not effect_figures._is_wide(effect_figures._places(["0.1", "0.5"]))
    assert effect_figures._places(["0", "16", "512"]) == {"0": 0.0, "16": 1.0, "512": 2.0}
    assert effect_figures._places(["conv", "vit"]) == {"conv": 0.0, "vit": 1.0}
