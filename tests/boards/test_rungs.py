"""Rank agreement between boards: equals scipy where it applies, and says where there is nothing to compare."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from diptych.boards import page, rungs
from diptych.boards.frame import RANKED, Board
from diptych.boards.rungs import Pairs, Rung, compare

IMAGE = {"digits": "image", "mnist5k": "image", "emoji_images": "image", "wine": "tabular"}


def rung(name, scores, **extra):
    """A board from {data set: {method: score}}; one seed, so that only equal scores tie."""
    rows = [
        {"dataset": d, "condition": "", "metric": "accuracy", "method": m, "config": "", "role": RANKED}
        | {"mean": value, "sd": None, "n": 0 if value is None else 1}
        | extra
        for d, methods in scores.items()
        for m, value in methods.items()
    ]
    return Rung.of({"benchmark": name, "scores": rows}, {d: IMAGE[d] for d in scores})


def skills(seed, methods="abcdefgh"):
    return dict(zip(methods, np.random.default_rng(seed).normal(size=len(methods)).tolist(), strict=True))


def first(*boards):
    return compare(boards)[0]


def test_the_same_order_agrees_and_the_reverse_disagrees():
    own = skills(0)
    assert first(rung("a", {"digits": own}), rung("b", {"mnist5k": own})).tau == 1
    reverse = {method: -score for method, score in own.items()}
    assert first(rung("a", {"digits": own}), rung("b", {"digits": reverse})).tau == -1


def test_tau_and_ties_are_those_of_scipy_on_mean_ranks():
    rounded = {d: {m: round(s) for m, s in skills(n).items()} for n, d in enumerate(("digits", "mnist5k"))}
    other = {"emoji_images": {m: round(s) for m, s in skills(5).items()}}
    ranks = [pd.DataFrame(side).rank(ascending=False).mean(axis=1) for side in (rounded, other)]
    expected = kendalltau(*ranks).statistic
    assert 0 < len(set(ranks[0])) < 8
    assert first(rung("a", rounded), rung("b", other)).tau == pytest.approx(expected)


def test_the_interval_holds_the_truth_and_narrows_with_more_methods():
    def width(n):
        names = [f"m{i}" for i in range(n)]
        own = dict(zip(names, np.linspace(0, 1, n).tolist(), strict=True))
        noise = np.random.default_rng(1).normal(scale=0.2, size=n)
        other = {m: s + e for (m, s), e in zip(own.items(), noise.tolist(), strict=True)}
        found = first(rung("a", {"digits": own}), rung("b", {"digits": other}))
        assert found.low <= found.tau <= found.high
        return found.high - found.low

    assert width(40) < width(8)


def test_unrelated_orders_have_an_interval_around_nothing():
    found = [first(rung("a", {"digits": skills(2 * n)}), rung("b", {"digits": skills(2 * n + 1)})) for n in range(40)]
    assert sum(pair.low <= 0 <= pair.high for pair in found) >= 32


def test_few_methods_have_no_interval():
    found = first(rung("a", {"digits": skills(0, "abc")}), rung("b", {"digits": skills(0, "abc")}))
    assert (found.tau, np.isnan(found.low)) == (1, True)


def test_nothing_in_common_is_said():
    alone = first(rung("a", {"digits": skills(0, "abc")}), rung("b", {"wine": skills(0, "xyz")}))
    assert (alone.methods, alone.datasets) == (0, 0)
    assert "no common method" in alone.line
    one = first(rung("a", {"digits": skills(0, "abc")}), rung("b", {"digits": skills(0, "ayz")}))
    assert "one common method (a)" in one.line
    apart = first(rung("a", {"digits": {"p": 1.0}, "wine": {"q": 0.5}}), rung("b", {"digits": {"p": 1.0, "q": 0.1}}))
    assert "meet" in apart.reason
    level = first(rung("a", {"digits": {"p": 1.0, "q": 1.0}}), rung("b", {"digits": {"p": 1.0, "q": 0.1}}))
    assert "level" in level.reason


def test_methods_that_never_meet_make_no_pair():
    lower = rung("a", {"digits": {"p": 0.9, "q": 0.8}, "wine": {"r": 0.99, "s": 0.1}})
    found = first(lower, rung("b", {"digits": {"p": 0.9, "q": 0.8}, "wine": {"r": 0.2, "s": 0.1}}))
    assert (found.tau, found.methods) == (1, 4)
    assert [pair.modality for pair in compare([lower, lower])] == ["all", "image", "tabular"]


def test_a_method_without_a_score_is_last_where_it_was_planned():
    full = rung("b", {"digits": {"p": 0.9, "q": 0.8, "r": 0.7}})
    failed = {"digits": {"p": 0.9, "q": None, "r": 0.7}, "mnist5k": {"p": 0.1, "q": 0.5, "r": 0.3}}
    order = rung("a", failed).order("all", ["p", "q", "r"])
    assert order[1, 0] == order[1, 2] == 0  # last here, first there
    assert Pairs.of(order, full.order("all", ["p", "q", "r"])).known.sum() == 6


def test_metrics_that_fall_count_the_other_way():
    own = skills(0)
    loss = rung("b", {"digits": {m: -s for m, s in own.items()}}, metric="log_loss")
    assert first(rung("a", {"digits": own}), loss).tau == 1


def test_a_method_with_a_grid_is_its_default_row():
    rows = [("default config", 0.9), ("best of 2 by validation", 0.1)]
    about = {"dataset": "digits", "condition": "", "metric": "accuracy", "sd": None, "n": 1, "role": RANKED}
    scores = [about | {"method": "p", "config": config, "mean": mean} for config, mean in rows]
    scores += [about | {"method": "q", "config": "", "mean": 0.5}]
    found = Rung.of({"benchmark": "a", "scores": scores}, {"digits": "image"})
    assert found.scores.set_index("method")["mean"].to_dict() == {"p": 0.9, "q": 0.5}


def test_the_verb_reads_boards(ran, capsys, tmp_path):
    from diptych.__main__ import execute

    assert execute(["rungs", str(ran.folder), str(ran.folder)]) == 0
    assert "tiny → tiny, all: tau 1.00" in capsys.readouterr().out
    assert execute(["rungs", str(ran.folder), str(tmp_path)]) == 1
    assert "run the benchmark first" in capsys.readouterr().err


def test_the_page_shows_the_ladder_that_the_file_names(ran, tmp_path):
    import copy

    world = copy.copy(ran.world)
    world.__dict__["spec"] = ran.world.spec.model_copy(update={"ladder": [world.name, "never"]})
    page.write(Board(world, ran.folder), tmp_path, "")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "tiny → tiny" in text
    assert "Not run yet: never." in text
    assert 'id="ladder"' not in (ran.folder / "report.html").read_text(encoding="utf-8")


def test_rungs_are_read_from_the_files_of_a_board(ran):
    found = rungs.read(ran.folder)
    assert found.methods("series") == {"simclr", "<b>bold", "scarf"}
