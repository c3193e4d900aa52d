import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris, load_wine

from diptych.data.base import DataError
from diptych.data.own import card_of, own_card, read_of
from diptych.data.prepare import prepare
from diptych.data.samples import from_arrays
from diptych.data.sources import fetch, restore
from diptych.records import read_json, read_npz
from diptych.stages import download
from diptych.stages import prepare as stage


def read_entry(entry):
    """Raw content of an entry whose paths stand from the working folder, by way of the cache."""
    card = card_of({"own": entry})
    files = {file.file: file.path for file in fetch(card)}
    return card, read_of({"own": entry}, files)


@pytest.fixture
def table(tmp_path, monkeypatch, cache):
    """write(text) makes `my data.csv` in the working folder; returns its name."""
    monkeypatch.chdir(tmp_path)

    def write(text: str | bytes, name: str = "my data.csv") -> str:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    return write


def iris_text(separator=",") -> str:
    frame = load_iris(as_frame=True).frame
    frame["kind"] = frame.pop("target").map({0: "setosa", 1: "versicolor", 2: "virginica"})
    frame["plant"] = np.arange(150) // 5
    frame["colour"] = np.where(frame["petal width (cm)"] > 1, "dark", "")
    return frame.to_csv(index=False, sep=separator)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_own_table_end_to_end(table, tmp_path, separator):
    file = table("\ufeff" + iris_text(separator))
    entry = {"csv": {"file": file, "target": "kind", "group": "plant", "types": {"petal width (cm)": "numeric"}}}
    card = own_card(entry, tmp_path)
    assert (card.name, card.modality, card.split, card.classes) == ("my_data", "tabular", "grouped", ())
    job = {"dataset": card.name, "own": entry, "seed": 0, "rows": None, "corruption": None}
    paths = {name: tmp_path / name for name in ("source.json", "data.npz", "card.json")}
    download.run(job, source=paths["source.json"])
    stage.run(job, source=paths["source.json"], data=paths["data.npz"], card=paths["card.json"])
    record, samples = read_json(paths["card.json"]), from_arrays(read_npz(paths["data.npz"]))
    assert record["card"]["classes"] == ["setosa", "versicolor", "virginica"]
    assert record["card"]["n"] == 150
    assert record["facts"]["shape"] == [6]  # four numbers, dark, and missing as a level
    assert record["encoding"]["columns"][-1] == "colour"
    assert not set(samples.group[samples.split == 0]) & set(samples.group[samples.split == 1])


def test_own_table_with_a_test_file_and_missing_classes(table):
    lines = iris_text().splitlines()
    lines[5] = lines[5].replace("setosa", "")
    train = table("\n".join([lines[0], *lines[1:141:2]]))
    test = table("\n".join([lines[0], *lines[2:150:2]]), "test.csv")
    card, raw = read_entry({"csv": {"file": train, "test": test, "target": "kind", "drop": ["plant"], "name": "mine"}})
    assert (card.name, card.split, len(raw)) == ("mine", "official", 69 + 74)
    assert raw.caveats == ("1 rows without `kind` were dropped",)
    assert raw.test.sum() == 74
    done = prepare(raw, card, seed=0)
    assert done.card.caveats[0] == raw.caveats[0]


def test_numeric_classes_are_in_numeric_order(table):
    rows = "\n".join(f"{i},{[2, 10, 9][i % 3]}" for i in range(60))
    card, raw = read_entry({"csv": {"file": table("x,y\n" + rows), "target": "y"}})
    assert prepare(raw, card, seed=0).card.classes == ("2", "9", "10")


def test_stated_types_win_over_guesses(table):
    rows = "\n".join(f"{i % 4},{i},{'ab'[i % 2]}" for i in range(40))
    _, raw = read_entry(
        {"csv": {"file": table("code,n,y\n" + rows), "target": "y", "types": {"code": "categorical", "n": "numeric"}}}
    )
    assert not pd.api.types.is_numeric_dtype(raw.x["code"])
    assert pd.api.types.is_numeric_dtype(raw.x["n"])


def test_separators_inside_quotes_do_not_separate(table):
    text = '"a; of, b", c, y\n1, 2, "u, or w"\n3, 4, v\n'
    _, raw = read_entry({"csv": {"file": table(text), "target": "y"}})
    assert list(raw.x.columns) == ["a; of, b", "c"]
    assert raw.label.tolist() == ["u, or w", "v"]


BROKEN = {
    "empty": ("", {}, "is empty"),
    "header only": ("a,y\n", {}, "no rows"),
    "not UTF-8": (b"a,y\n\xff\xfe,1\n", {}, "not UTF-8"),
    "no target": ("a,b\n1,2\n", {}, "`target` names the column 'y'; it has a, b"),
    "no group": ("a,y\n1,2\n", {"group": "g"}, "`group` names the column 'g'; it has a, y"),
    "no such type": ("a,y\n1,2\n", {"types": {"z": "numeric"}}, "`types` names the column 'z'"),
    "no such drop": ("a,y\n1,2\n", {"drop": ["z"]}, "`drop` names the column 'z'"),
    "no class": ("a,y\n1,\n2,?\n", {}, "the target 'y' is missing in every row"),
    "one class": ("a,y\n1,u\n2,u\n", {}, "one class only"),
    "one row of a class": ("a,y\n1,u\n2,u\n3,v\n", {}, "too few rows: 1 of 2 classes"),
    "a regression": ("a,y\n" + "\n".join(f"{i},{i / 7}" for i in range(30)), {}, "is the target a class"),
    "words as numbers": ("a,y\n1,u\nred,v\n", {"types": {"a": "numeric"}}, "numeric and holds 1 other values.*'red'"),
    "infinite": ("a,y\n1,u\ninf,v\n", {}, "infinite"),
    "twice": ("a,a,y\n1,2,u\n", {}, "'a' stand twice"),
    "ragged": ("a,y\n1,u\n1,2,v\n", {}, "row 3: 3 cells, the header has 2"),
    "missing group": ("a,g,y\n1,p,u\n2,,v\n", {"group": "g"}, "the group 'g' is missing in 1 rows"),
    "no feature": ("g,y\n1,u\n2,v\n", {"group": "g"}, "no column is left"),
    "all constant": ("a,y\n1,u\n1,v\n1,u\n1,v\n", {}, "too few rows|every feature is constant"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_table_is_a_clear_error(table, case):
    text, settings, message = BROKEN[case]
    with pytest.raises(DataError, match=message):
        prepare(*reversed(read_entry({"csv": {"file": table(text), "target": "y"} | settings})), seed=0)


def test_leaking_group_of_a_test_file_is_an_error(table):
    train = table("a,g,y\n1,p,u\n2,q,v\n3,p,v\n")
    test = table("a,g,y\n4,q,u\n5,r,v\n", "t.csv")
    card, raw = read_entry({"csv": {"file": train, "test": test, "target": "y", "group": "g"}})
    with pytest.raises(DataError, match="leakage: group q"):
        prepare(raw, card, seed=0)


def test_test_file_with_other_columns_is_an_error(table):
    entry = {"file": table("a,b,y\n1,2,u\n"), "test": table("a,c,y\n1,2,u\n", "t.csv"), "target": "y"}
    with pytest.raises(DataError, match=r"only in the first \['b'\], only in the second \['c'\]"):
        read_entry({"csv": entry})


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"csv": {"file": "absent.csv", "target": "y"}}, "no file .*absent.csv"),
        (
            {"csv": {"file": "absent.csv"}},
            "csv.target.*valid keys: file, test, name, metric, target, group, types",
        ),
        ({"csv": {"file": "a.csv", "target": "y", "traget": 1}}, "csv.traget"),
        ({"csv": {"file": "a.csv", "target": "y", "types": {"a": "number"}}}, "csv.types.a.*numeric.*categorical"),
        ({"series": {"file": "a.txt"}}, "no known format; valid: .ts, .arff, .tsv; as a long table .parquet, .csv"),
        ({"series": {"file": "a.ts", "test": "a.ts"}}, "`test` is the training file"),
        ({"parquet": {"file": "a"}}, "`csv:` or `series:`"),
        ({"csv": "a.csv"}, "a mapping of"),
    ],
)
def test_wrong_entry_is_a_clear_error(tmp_path, entry, message):
    with pytest.raises(DataError, match=message):
        own_card(entry, tmp_path)


def test_own_file_that_left_the_cache_is_read_again(table):
    entry = {"csv": {"file": table(iris_text()), "target": "kind"}}
    card = card_of({"own": entry})
    (found,) = fetch(card)
    found.path.unlink()
    record = {"files": [{"file": found.file, "sha256": found.sha256}]}
    assert restore(card, record)[found.file].exists()
    found.path.unlink()
    table("a,y\n1,2\n")
    with pytest.raises(DataError, match="has left the cache"):
        restore(card, record)


# ------------------------------------------------------------------ series

TS = """# a comment
@problemName gait
@timeStamps false
@univariate false
@classLabel true walk run
@data
1.5,2,?:4,5,6:walk
1,2,3,4:NaN,6,7,8:run
"""
ARFF = """@relation r
@attribute a numeric
@attribute b numeric
@attribute class {x, 'y'}
@data
1,?,x
3,4,'y'
"""
QUOTED = ARFF.replace("{x, 'y'}", "{x, 'y, or z'} % what was seen").replace("'y'", "'y, or z'")
RELATIONAL = r"""@relation r
@attribute bag relational
@attribute t0 numeric
@attribute t1 numeric
@end bag
@attribute activity {x,y}
@data
'1,2\n3,4',x
"5,6\n7,?",y
"""
TSV = "1\t0.5\t1.5\n-1.0\t2.5\tNaN\n"


@pytest.mark.parametrize(
    ("name", "text", "shapes", "missing", "labels"),
    [
        ("g_TRAIN.ts", TS, [(3, 2), (4, 2)], 2, ["walk", "run"]),
        ("g.arff", ARFF, [(2, 1), (2, 1)], 1, ["x", "y"]),
        ("g.arff", QUOTED, [(2, 1), (2, 1)], 1, ["x", "y, or z"]),
        ("g.ARFF", RELATIONAL, [(2, 2), (2, 2)], 1, ["x", "y"]),
        ("g.tsv", TSV, [(2, 1), (2, 1)], 1, ["1", "-1"]),
    ],
)
def test_series_formats(table, name, text, shapes, missing, labels):
    card, raw = read_entry({"series": {"file": table(text, name)}})
    assert (card.name, card.modality) == ("g", "series")
    assert [values.shape for values in raw.x] == shapes
    assert raw.label.tolist() == labels
    assert sum(int(np.isnan(values).sum()) for values in raw.x) == missing


def test_channels_of_a_relational_file_are_rows(table):
    _, raw = read_entry({"series": {"file": table(RELATIONAL, "g.arff")}})
    assert raw.x[0].tolist() == [[1, 3], [2, 4]]


def test_own_series_with_a_test_file(table):
    signal = load_wine().data[:, :12]
    lines = ["\t".join([str(c), *map(str, row)]) for c, row in zip(load_wine().target, signal, strict=True)]
    train, test = table("\n".join(lines[::2]), "w_TRAIN.tsv"), table("\n".join(lines[1::2]), "w_TEST.tsv")
    card, raw = read_entry({"series": {"file": train, "test": test}})
    done = prepare(raw, card, seed=0)
    assert (done.facts["shape"], done.facts["n_train"], done.facts["n_test"]) == ([12, 1], 89, 89)
    assert done.facts["scaling"].startswith("mean and sd of all training values")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.ts", "", "is empty"),
        ("a.ts", "@classLabel true a b\n1,2:a\n", "no `@data`"),
        ("a.ts", TS.replace("@classLabel true walk run", "@classLabel false"), "no `@classLabel true"),
        ("a.ts", TS.replace("@timeStamps false", "@timeStamps true"), "`@timeStamps true` is not supported"),
        ("a.ts", TS.replace(":run", ":jump"), "line 8: class 'jump' is none of walk, run"),
        ("a.ts", TS.replace("1.5", "x1.5"), "line 7: could not convert string to float: 'x1.5'"),
        ("a.ts", TS.replace("4,5,6", "4,5"), r"line 7: channels of different lengths \[3, 2\]"),
        ("a.ts", TS.replace("4,5,6:walk", "4,5,6:1,2,3:walk"), r"series with \[2, 3\] channels"),
        ("a.ts", TS.split("1.5")[0], "holds no series"),
        ("a.arff", ARFF.replace("{x, 'y'}", "numeric"), "the last attribute must be the class"),
        ("a.arff", ARFF.replace("1,?,x", "1,?,z"), "line 6: class 'z' is none of x, y"),
        ("a.tsv", "1\n", "line 1: a class and tab-separated values"),
        ("a.tsv", "\t1\t2\n", "line 1: the class is missing"),
        ("a.tsv", "1\tinf\n", "line 1: an infinite value"),
        ("a.tsv", b"\xff\xfe1\t2", "not UTF-8"),
    ],
)
def test_broken_series_are_clear_errors(table, name, text, message):
    with pytest.raises(DataError, match=message):
        read_entry({"series": {"file": table(text, name)}})
