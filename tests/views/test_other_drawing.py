"""Natural pairs: another row of the same object, never the row itself."""

import pytest
import torch

from diptych.batch import Batch
from diptych.views.other_drawing import OtherDrawing

KEYS = torch.tensor([7, 3, 7, 5, 3, 7])  # objects of 3, 2 and 1 rows
X = torch.arange(6.0)[:, None, None, None].expand(6, 3, 2, 2)


def _view():
    view = OtherDrawing({})
    view.calibrate(Batch(X, torch.arange(6), KEYS), torch.Generator())
    return view


def _partners(view, rows, seed):
    batch = Batch(X[rows], rows, KEYS[rows])
    same, other = view(batch, torch.Generator().manual_seed(seed))
    assert torch.equal(same.x, X[rows])
    return other.x[:, 0, 0, 0].long()


def test_partners_are_other_rows_of_the_object_and_all_of_them_are_met():
    view, rows = _view(), torch.tensor([5, 1, 0, 3])
    met = torch.stack([_partners(view, rows, seed) for seed in range(50)])  # [50, 4]
    assert [set(column.tolist()) for column in met.T] == [{0, 2}, {4}, {2, 5}, {3}]


def test_an_unknown_object_is_its_own_pair():
    stranger = Batch(X[:1] + 9, torch.tensor([0]), torch.tensor([4]))
    _, other = _view()(stranger, torch.Generator())
    assert torch.equal(other.x, stranger.x)


def test_without_shared_objects_there_is_no_pair():
    with pytest.raises(ValueError, match="every row has an object of its own"):
        OtherDrawing({}).calibrate(Batch(X, torch.arange(6), torch.arange(6)), torch.Generator())
