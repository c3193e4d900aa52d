"""What methods and views need of a data set limits where they run, before anything runs."""

import pytest

from diptych import catalog
from diptych.data.card import LONG, NEEDS
from diptych.plan import Plan
from diptych.spec import BenchmarkError

SETS = "name: m\ndatasets: [ecg200, seglearn_watch, fsdd_logmel]\ncontrols: [raw]\nmethods: "


@pytest.fixture
def needing(monkeypatch):
    """needing(kind, name, needs): a component of the catalogue needs these from now on."""

    def change(kind, name, *needs):
        monkeypatch.setitem(catalog.components(kind)[name].attributes, "needs", frozenset(needs))

    return change


def places(plan, method):
    return [name for name in plan.cards if any((c.dataset, c.method) == (name, method) for c in plan.cells)]


@pytest.mark.parametrize(
    ("needs", "able"),
    [
        ((), ["ecg200", "seglearn_watch", "fsdd_logmel"]),
        (("channels",), ["seglearn_watch", "fsdd_logmel"]),
        (("time",), ["seglearn_watch"]),
        (("channels", "group"), ["seglearn_watch"]),
    ],
)
def test_a_method_runs_where_its_needs_are_met(needs, able, needing, benchmark_file):
    needing("methods", "mcl", *needs)
    assert places(Plan(benchmark_file(SETS + "{mcl: {}, simclr: {}}")), "mcl") == able


def test_a_view_has_needs_of_its_own(needing, benchmark_file):
    needing("views", "scaling", "channels")
    usual = "{datasets: [ecg200]}"
    other = "{view.name: [scaling]}"
    plan = Plan(benchmark_file(f"{SETS}{{simclr: [{usual}, {other}]}}"))
    assert places(plan, "simclr") == ["ecg200", "seglearn_watch", "fsdd_logmel"]
    views = {(cell.dataset, plan.flat(cell)["view.name"]) for cell in plan.cells if cell.method == "simclr"}
    assert views == {("ecg200", "jitter_scale"), ("seglearn_watch", "scaling"), ("fsdd_logmel", "scaling")}


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ("{simclr: {}, mcl: {datasets: [ecg200]}}", r"mcl.datasets: mcl cannot run on ecg200 \(series\); it runs on "),
        ("{mcl: {}}", r"datasets: no method of this file runs on ecg200 \(series\); those that do: (?!.*\bmcl\b)"),
    ],
)
def test_an_unmet_need_is_an_error_with_the_reason(methods, message, needing, benchmark_file):
    needing("methods", "mcl", "time", "channels")
    with pytest.raises(BenchmarkError, match=message):
        Plan(benchmark_file(SETS + methods))


def test_a_method_without_a_data_set_names_what_is_missing(needing, benchmark_file):
    needing("methods", "mcl", "time", "channels")
    message = "methods.mcl: runs on series with two or more channels and a place in a recording for every sample, the "
    with pytest.raises(BenchmarkError, match=message):
        Plan(benchmark_file("name: m\ndatasets: [ecg200]\nmethods: {simclr: {}, mcl: {}}\n"))


def test_cards_know_what_they_have(benchmark_file, tmp_path):
    cards = catalog.datasets()
    assert cards["ucr_gunpoint"].has == frozenset()
    assert cards["pig_vitals"].has == {"channels", "long"}
    assert cards["japanese_vowels"].has == {"channels"}  # ragged series are not known to be long
    assert cards["seglearn_watch"].has == {"channels", "time", "group"}
    assert "channels" not in cards["cifar10_jpeg"].has
    assert all(card.has <= set(NEEDS) for card in cards.values())
    long = cards["ecg200"].model_copy(update={"shape": (LONG, 1)})
    assert long.has == {"long"}


def test_the_shape_of_own_series_is_known_later(needing, benchmark_file, tmp_path):
    needing("methods", "mcl", "channels", "long")
    (tmp_path / "my.tsv").write_text("1\t0.5\t0.7\n2\t0.1\t0.2\n", encoding="utf-8")
    entry = "name: m\ndatasets: [{series: {file: my.tsv}}]\nmethods: {mcl: {}}\n"
    assert places(Plan(benchmark_file(entry)), "mcl") == ["my"]
    needing("methods", "mcl", "time")
    with pytest.raises(BenchmarkError, match="a place in a recording"):
        Plan(benchmark_file(entry))
