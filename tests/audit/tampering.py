"""What forgeries are made with: the files of a cell or board, edited; each says what an audit must find."""

from dataclasses import dataclass

import pandas as pd

from audit.conftest import cover
from diptych.data.samples import fingerprint
from diptych.records import read_json, read_npz, read_table, write_json, write_npz
from diptych.store import Store, grouped


@dataclass(frozen=True)
class Forgery:
    """What is done, and the check, cell and file that the finding must name."""

    do: object
    check: str
    cell: str
    file: str


def forgery(check, cell, file):
    return lambda do: Forgery(do, check, cell, file)


def cell_of(planned, method="simclr", dataset="digits", seed=0):
    return next(c for c in planned.cells if (c.method, c.dataset, c.seed) == (method, dataset, seed))


def file_of(planned, role, **which):
    return getattr(planned.files(cell_of(planned, **which)), role)


def board_of(planned):
    return planned.root / "boards" / planned.name


def edit_json(path, change):
    content = read_json(path)
    change(content)
    write_json(path, content)


def edit_npz(path, change):
    arrays = read_npz(path)
    change(arrays)
    write_npz(path, arrays)


def edit_table(path, change):
    table = read_table(path)
    change(table)
    table.to_parquet(path, index=False)


def edit_csv(path, change):
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    change(table)
    table.to_csv(path, index=False)


def edit_data(planned, change, dataset="digits"):
    """Other samples, with the fingerprints that they have."""
    path = file_of(planned, "data", dataset=dataset)
    edit_npz(path, change)
    found = {name: fingerprint(array) for name, array in read_npz(path).items()}
    edit_json(path.with_name("card.json"), lambda card: card.update(fingerprints=found))
    cover(planned)


def set_value(value, row=0):
    def change(table):
        table.loc[row, "value"] = value

    return change


def run_of(planned):
    store = Store.existing("", planned.root, planned.name)
    return store, grouped(store.runs(), "diptych.cell")[cell_of(planned).path][0]


def swap(first, second):
    kept = first.with_name(f"{first.name}.kept")
    first.rename(kept)
    second.rename(first)
    kept.rename(second)
