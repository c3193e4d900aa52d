"""One run for all board tests: tracked, aggregated and reported once, then only read."""

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from boards.world import World
from diptych import aggregate, track
from diptych.boards import page
from diptych.boards.frame import Board

ODD = "<script>alert(1)"
GRID = [{"temperature": t, "view.rate": r} for t in (0.1, 0.5) for r in (0.2, 0.6)]
ABOUT = "dataset: ecg200, probe: linear, kind: published"
CLAIMS = f"""
claims:
  - {{{ABOUT}, method: raw, values: {{accuracy: [0.0, 1.0]}}, source: a, mark: read, file: f}}
  - {{{ABOUT}, method: raw, values: {{accuracy: 0.01}}, source: "<i>b", mark: read, file: f}}
  - {{{ABOUT}, method: raw, values: {{auroc: 0.02}}, source: c, mark: recalled}}
  - {{{ABOUT}, method: nobody, values: {{auroc: 0.02}}, source: d, mark: read, file: f}}
"""
ELSEWHERE = """
elsewhere:
  - {method: raw, data: "<i>data we lack", values: {accuracy: 0.9037}, closest: e, source: f, mark: recalled}
  - {method: nobody, data: data of nobody, closest: e, source: f, mark: recalled}
"""


def content(page: Path) -> str:
    """A page without the two scripts that every page carries."""
    text, found = re.subn(r'<script type="module">.*?</script>', "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert found == 2
    return text


@dataclass(frozen=True)
class Ran:
    """A finished benchmark: its plan, its board's folder, and the board."""

    world: World
    folder: Path
    board: Board

    def altered(self, folder: Path, change, *tables: str) -> Board:
        """The board of the same run with other results: `change` maps the long table (and others that are named)."""
        for name in ("results", "cells"):
            table = pd.read_parquet(self.folder / f"{name}.parquet")
            table = change(table) if name in (tables or ("results",)) else table
            table.to_parquet(folder / f"{name}.parquet")
        return Board(self.world, folder)


def published(world: World) -> Ran:
    """A written world, tracked, aggregated and reported as the workflow does."""
    folder = world.root / "boards" / world.name
    track.sync(world)
    aggregate.write(world, "", folder)
    board = Board(world, folder)
    page.write(board, folder, "")
    return Ran(world, folder, board)


@pytest.fixture(scope="session")
def ran(tmp_path_factory) -> Ran:
    home = tmp_path_factory.mktemp("ran")
    (home / "claims.yaml").write_text(CLAIMS, encoding="utf-8")
    (home / "elsewhere.yaml").write_text(ELSEWHERE, encoding="utf-8")
    world = World(
        root=home / "results",
        modalities={"ecg200": "series", ODD: "tabular"},
        grids={"simclr": GRID, "<b>bold": [{}], "scarf": [{}], "raw": [{}], "random": [{}], "supervised": [{}]},
        skills={"simclr": 1.2, "<b>bold": 1.0, "scarf": 1.4, "raw": 1.9, "random": 0.3, "supervised": 2.6},
        seeds=(0, 1),
        robustness={"missing_mcar": [0.2, 0.6]},
        broken={f"{ODD}/scarf": ("pretrain", "diverged", "the loss became nan <img src=x>")},
        claims=["claims.yaml", "elsewhere.yaml"],
        only={"simclr": "ecg200"},
    ).write()
    return published(world)
