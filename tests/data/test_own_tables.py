"""Own tables as users have them: parquet, spreadsheets' habits, and columns that were meant otherwise."""

import io

import numpy as np
import pandas as pd
import pytest

from diptych.data.base import DataError
from diptych.data.own import own_card, read_of
from diptych.data.prepare import prepare

ROWS = [f"{i},{i / 8},{'ab'[i % 2]},s{i % 4},{'yn'[i % 3 > 0]}" for i in range(12)]
TABLE = "\n".join(["id,age,job,site,y", *ROWS]) + "\n"


@pytest.fixture
def read(tmp_path):
    def read(name, content, **settings):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_of({"own": {"csv": {"file": name, "target": "y"} | settings}}, {name: path})

    return read


def test_parquet_is_read_as_the_same_table(read, tmp_path):
    pd.read_csv(io.StringIO(TABLE)).to_parquet(tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    stated = {"group": "site", "drop": ["id"]}
    pd.testing.assert_frame_equal(read("u.parquet", content, **stated).x, read("t.csv", TABLE, **stated).x)


def test_columns_of_every_type_with_gaps_and_groups(read, tmp_path):
    rng = np.random.default_rng(0)
    columns = {
        "patient": np.arange(60) // 3,
        "y": np.where(rng.random(60) < 0.5, "ill", "well"),
        "age": pd.array(rng.integers(20, 90, 60), dtype="Int64"),
        "dose": rng.random(60).astype("float32"),
        "smoker": pd.array(rng.random(60) < 0.5, dtype="boolean"),
        "ward": pd.Categorical(rng.choice(["A", "B, left", 'the "new" one'], 60)),
        "code": rng.choice(["1", "2"], 60),
    }
    table = pd.DataFrame(columns)
    for place, name in enumerate(["age", "dose", "smoker", "ward", "code"]):
        table.loc[place::7, name] = None
    table.to_parquet(tmp_path / "mixed.parquet")
    entry = {"group": "patient", "types": {"code": "categorical"}}
    raw = read("mixed.parquet", (tmp_path / "mixed.parquet").read_bytes(), **entry)
    assert raw.x.select_dtypes("number").columns.tolist() == ["age", "dose"]
    assert [raw.x[name].isna().sum() for name in raw.x] == [table[name].isna().sum() for name in raw.x]
    done = prepare(raw, own_card({"csv": {"file": "mixed.parquet", "target": "y"} | entry}, tmp_path), seed=0)
    levels = {column["name"]: column["levels"] for column in done.facts["columns"]}
    assert levels["age"] is levels["dose"] is None
    assert set(levels["ward"]) == {"A", "B, left", 'the "new" one', None}
    assert set(levels["smoker"]) == {"True", "False", None}
    assert set(levels["code"]) == {"1", "2", None}
    assert np.isnan(done.samples.x).sum() == table[["age", "dose"]].isna().sum().sum()
    assert not set(done.samples.group[done.samples.split == 0]) & set(done.samples.group[done.samples.split == 1])


def test_a_broken_parquet_file_says_so(read):
    with pytest.raises(DataError, match="b.parquet is not a readable parquet file"):
        read("b.parquet", b"PAR1 and nothing")


def test_numbers_with_a_comma_are_not_taken_for_words(read):
    content = "id;age;y\n" + "".join(f"{i};{i},5;{'yn'[i % 2]}\n" for i in range(8))
    with pytest.raises(DataError, match="column 'age' holds numbers with a comma, such as '0,5'; write them with a"):
        read("c.csv", content)
    assert read("c.csv", content, types={"age": "categorical"}).x["age"].iloc[1] == "1,5"


def test_a_number_that_is_none_is_told(read):
    raw = read("d.csv", TABLE.replace("3,0.375", "3,0..375"))
    assert raw.caveats == ("column 'age' is categorical because 1 values are words, as '0..375'",)
    stated = read("d.csv", TABLE.replace("3,0.375", "3,0..375"), types={"age": "categorical"})
    assert stated.caveats == ()


def test_row_numbers_without_a_name_are_no_feature(read):
    raw = read("e.csv", TABLE.replace("id,", ",", 1))
    assert list(raw.x) == ["age", "job", "site"]
    assert raw.caveats == ("a column without a name was dropped: a row number is no feature",)
