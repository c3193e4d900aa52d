"""Own series as a long table: one row per series and time, as a database or a spreadsheet holds them."""

import numpy as np
import pandas as pd
import pytest

from diptych.data.base import DataError
from diptych.data.own import own_card, read_of
from diptych.data.prepare import prepare
from diptych.plan import Plan

KEYS = {"id": "stay", "time": "hour", "target": "died"}


def stays():
    """24 stays of 8 patients, of 3 to 6 hours, whose rows are shuffled."""
    rng = np.random.default_rng(0)
    rows = [
        {"stay": f"s{s:02}", "hour": h, "died": s % 2, "patient": f"p{s // 3}", "pulse": 60 + 5 * s + h, "spo2": 0.9}
        for s in range(24)
        for h in range(3 + s % 4)
    ]
    table = pd.DataFrame(rows).sample(frac=1, random_state=0).reset_index(drop=True)
    return table.assign(spo2=np.where(rng.random(len(table)) < 0.3, np.nan, rng.random(len(table))))


@pytest.fixture
def read(tmp_path):
    """read(table, name, …) -> card and raw content of a long table; of text where it is one."""

    def read(table, name="stays.parquet", test=None, **settings):
        files = {name: table} | ({"t.parquet": test} if test is not None else {})
        for file, content in files.items():
            if isinstance(content, str):
                (tmp_path / file).write_text(content)
            elif file.endswith(".csv"):
                content.to_csv(tmp_path / file, index=False)
            else:
                content.to_parquet(tmp_path / file)
        entry = {"series": {"file": name} | KEYS | ({"test": "t.parquet"} if test is not None else {}) | settings}
        return own_card(entry, tmp_path), read_of({"own": entry}, {file: tmp_path / file for file in files})

    return read


@pytest.mark.parametrize("name", ["stays.parquet", "stays.csv"])
def test_rows_become_ragged_series_in_the_order_of_time(read, name):
    table = stays()
    card, raw = read(table, name, group="patient")
    assert (card.name, card.modality, card.split, card.group) == ("stays", "series", "grouped", "patient")
    assert (len(raw), raw.caveats) == (24, ())
    for stay, values, label, group in zip(table["stay"].unique(), raw.x, raw.label, raw.group, strict=True):
        own = table[table["stay"] == stay].sort_values("hour")
        np.testing.assert_allclose(values, own[["pulse", "spo2"]].to_numpy(np.float32), rtol=1e-6)
        assert values.dtype == np.float32
        assert (label, group) == (str(own["died"].iloc[0]), own["patient"].iloc[0])


def test_stretches_of_a_recording_share_its_key_and_stand_in_the_order_of_time(read):
    """Six recordings of four stretches each, of which one begins where the one before has ended."""
    table = stays()
    number = table["stay"].str[1:].astype(int)
    table = table.assign(bed="b" + (number % 6).astype(str), hour=table["hour"] + 10 * (number // 6)).drop(
        columns="patient"
    )
    card, raw = read(table, recording="bed")
    first = table["stay"].unique()
    stay = np.array([int(name[1:]) for name in first])
    assert card.has >= {"time"}
    assert raw.key.dtype == raw.time.dtype == np.int64
    np.testing.assert_array_equal(raw.time, stay // 6)
    assert len({(key, bed) for key, bed in zip(raw.key, stay % 6, strict=True)}) == len(set(raw.key)) == 6
    made = prepare(raw, card, seed=0).samples
    assert not set(made.key[made.split == 0]) & set(made.key[made.split == 1])


def test_a_recording_must_be_one_and_known(read):
    table = stays()
    with pytest.raises(DataError, match="the recording 'hour' has several values in series s"):
        read(table.drop(columns="patient"), recording="hour")
    table.loc[table["stay"] == "s03", "patient"] = None
    with pytest.raises(DataError, match="the recording 'patient' is missing in series s03"):
        read(table, recording="patient")


def test_subjects_stay_on_one_side_and_ends_are_missing(read):
    card, raw = read(stays(), group="patient")
    done = prepare(raw, card, seed=0)
    samples = done.samples
    assert done.facts["shape"] == [6, 2]
    assert not set(samples.group[samples.split == 0]) & set(samples.group[samples.split == 1])
    lengths = (~np.isnan(samples.x).all(2)).sum(1)
    assert sorted(lengths.tolist()) == sorted(len(values) for values in raw.x)


def test_three_lines_of_yaml_are_enough(tmp_path):
    stays().to_parquet(tmp_path / "stays.parquet")
    stays().groupby("stay").first().to_parquet(tmp_path / "ward.parquet")
    (tmp_path / "mine.yaml").write_text(
        "name: mine\n"
        "datasets:\n"
        "  - series: {file: stays.parquet, id: stay, time: hour, target: died, group: patient}\n"
        "  - csv: {file: ward.parquet, target: died, group: patient}\n"
        "methods: {simclr: {}}\n"
    )
    plan = Plan(str(tmp_path / "mine.yaml"), root=str(tmp_path / "results"))
    assert {name: card.modality for name, card in plan.cards.items()} == {"stays": "series", "ward": "tabular"}
    assert {cell.method for cell in plan.cells} == {"simclr", "raw", "random", "pca", "supervised"}


def test_a_class_need_only_stand_once_and_is_no_fraction(read):
    table = stays()
    first = table["hour"] == 0
    _, raw = read(table.assign(died=table["died"].where(first & (table["stay"] != "s03"))), drop=["patient"])
    assert set(raw.label) == {"0", "1"}
    assert len(raw) == 23
    assert raw.caveats == ("1 series without `died` were dropped",)


@pytest.mark.parametrize("text", [True, False])
def test_dates_order_steps_and_uneven_ones_are_told(read, text):
    table = stays()
    dates = pd.Timestamp("2024-01-31 20:00") + pd.to_timedelta(table["hour"] ** 2, unit="h")
    _, raw = read(table.assign(hour=dates.astype(str) if text else dates), **{"drop": ["patient"]})
    _, plain = read(table, **{"drop": ["patient"]})
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(raw.x, plain.x, strict=True))
    assert raw.caveats == ("24 series are not evenly spaced in `hour`; their steps are taken in its order",)


def test_a_test_file_has_the_same_channels_in_any_order(read):
    table = stays().drop(columns="patient")
    card, raw = read(table, test=table[["spo2", "hour", "pulse", "died", "stay"]])
    assert (card.split, raw.test.sum(), len(raw)) == ("official", 24, 48)
    assert all(np.array_equal(raw.x[i], raw.x[24 + i], equal_nan=True) for i in range(24))
    with pytest.raises(DataError, match=r"stays.parquet has the channels pulse, spo2, t.parquet has spo2$"):
        read(table, test=table.drop(columns="pulse"))


BROKEN = {
    "no such column": (lambda t: t, {"time": "minute"}, "stays.parquet: `time` names the column 'minute'; it has"),
    "no such group": (lambda t: t, {"group": "ward"}, "`group` names the column 'ward'"),
    "no such drop": (lambda t: t, {"drop": ["ward"]}, "`drop` names the column 'ward'"),
    "words": (
        lambda t: t,
        {},
        "column 'patient' holds 108 values that are no numbers, the first 'p6'; .* leave other columns out by `drop`",
    ),
    "dates": (
        lambda t: t.assign(spo2=pd.Timestamp("2024-01-01")),
        {"drop": ["patient"]},
        "column 'spo2' holds 108 values that are no",
    ),
    "infinite": (lambda t: t.assign(spo2=np.inf), {"drop": ["patient"]}, "column 'spo2' holds values beyond 32-bit"),
    "no channel": (lambda t: t, {"drop": ["patient", "pulse", "spo2"]}, "no column is left as a channel"),
    "two rows": (
        lambda t: pd.concat([t, t[t["stay"] == "s05"].head(1)]),
        {},
        r"series s05 has two rows at 'hour' \d; a long table has one row per series and time",
    ),
    "two classes": (
        lambda t: t.assign(died=t["died"] + (t["hour"] > 4)),
        {"drop": ["patient"]},
        r"the target 'died' has several values in series s\d\d; it must have one",
    ),
    "two groups": (
        lambda t: t.assign(patient=t["patient"] + t["hour"].astype(str)),
        {"group": "patient"},
        "the group 'patient' has several values in series",
    ),
    "no group": (
        lambda t: t.assign(patient=t["patient"].where(t["stay"] != "s07")),
        {"group": "patient"},
        "the group 'patient' is missing in series s07",
    ),
    "no class": (lambda t: t.assign(died=np.nan), {"drop": ["patient"]}, "the target 'died' is missing in every row"),
    "no time": (lambda t: t.assign(hour=t["hour"].where(t["stay"] != "s00")), {}, "'hour' is missing in 3 rows"),
    "no id": (lambda t: t.assign(stay=t["stay"].where(t["stay"] != "s00")), {}, "'stay' is missing in 3 rows"),
    "no such time": (lambda t: t.assign(hour="noon"), {}, "column 'hour' holds 'noon'; a time is a number or a date"),
    "no rows": (lambda t: t[:0], {}, "holds no rows"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_long_table_is_a_clear_error(read, case):
    change, settings, message = BROKEN[case]
    with pytest.raises(DataError, match=message):
        read(change(stays()), **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"id": ""}, "a long table needs `id`, `time` and `target`, its columns; `id` is not stated"),
        ({"target": "hour"}, "`id`, `time` and `target` must be three columns"),
        ({"test": "t.ts"}, "of stays.parquet and t.ts one is a long table"),
        ({"test": "t.txt"}, "t.txt has no known format"),
        ({"file": "a.ts"}, r"`id` is for long tables \(.parquet, .csv\)"),
        ({"groups": "a"}, "series.groups.*valid keys: .*, target, group, recording, drop"),
    ],
)
def test_a_wrong_entry_is_a_clear_error(tmp_path, settings, message):
    with pytest.raises(DataError, match=message):
        own_card({"series": {"file": "stays.parquet"} | KEYS | settings}, tmp_path)


def test_a_broken_file_says_so(read):
    with pytest.raises(DataError, match="stays.parquet is not a readable parquet file"):
        read("PAR1 and nothing")
    with pytest.raises(DataError, match="s.csv, row 2: 2 cells, the header has 3"):
        read("stay,hour,died\ns1,1\n", "s.csv")
