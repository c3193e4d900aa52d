"""Own tables as users have them: parquet, spreadsheets' habits, and columns that were meant otherwise."""

import io

import pandas as pd
import pytest

from diptych.data.base import DataError
from diptych.data.own import read_of

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
