"""The results kept in git hold by themselves, and a few of their cells come back."""

import os
from datetime import date

import pytest

from diptych.audits import agreement
from diptych.bundles import again, pack, read, reference, verify

KEPT = reference.bundles(pack.LOCK.parent / reference.FOLDER)
CELLS, SECONDS = 2, 60.0  # of each bundle that are run again, and after which no other is begun
DRAW = os.environ.get("DRAW") or str(date.today())  # other cells each day; DRAW=2026-11-30 takes those of that one
pytestmark = pytest.mark.parametrize("bundle", KEPT, ids=lambda path: path.stem)


def test_a_reference_holds_by_itself(bundle):
    assert verify.findings(bundle) == []
    assert bundle.stat().st_size <= reference.LARGEST


def test_the_board_beside_it_is_its_own(bundle):
    """And the text, which `diptych docs` makes from it."""
    assert (bundle.parent / reference.BOARD).read_bytes() == read.members(bundle)[reference.BOARD]


@pytest.mark.network
@pytest.mark.slow
def test_cells_come_back(bundle):
    with again.sampled(bundle, CELLS, SECONDS, DRAW) as sample:
        told = agreement.summary(sample)
    assert again.holds(told), (DRAW, told["cells"])
