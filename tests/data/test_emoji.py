"""Emoji drawings: several real pictures of one object."""

import numpy as np
import pytest

from diptych.data import _emoji, emoji, emoji_images
from diptych.data.prepare import prepare
from diptych.data.sources import Unreachable, fetch

EMOJI = 215  # base emoji of the two groups that are drawn here: all of them would take long
VENDORS = len(_emoji.VENDORS)


@pytest.fixture(scope="module")
def raw():
    try:
        files = {file.file: file.path for file in fetch(emoji_images.CARD)}
    except Unreachable as error:
        pytest.skip(str(error))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_emoji, "GROUPS", {4: "food and drink", 6: "activities"})
        return emoji_images.read(files)


def test_every_emoji_has_one_drawing_of_each_of_four_vendors(raw):
    keys, counts = np.unique(raw.key, return_counts=True)
    assert len(keys) == EMOJI
    assert set(counts) == {VENDORS} == {4}
    by_key = raw.label[np.argsort(raw.key, kind="stable")].reshape(-1, VENDORS)
    assert (by_key == by_key[:, :1]).all(), "the drawings of one emoji have one class"


def test_the_fourth_vendor_draws_every_emoji_of_the_pairs():
    assert emoji_images.CARD.n / 4 == emoji.CARD.n / 3


@pytest.mark.parametrize(("one", "two"), [(0, 1), (0, 3), (1, 2), (2, 3)])
def test_vendors_draw_differently_and_yet_the_same_thing(raw, one, two):
    """Two drawings of one emoji differ, and are nearer than drawings of different emoji of the same class."""
    drawn = raw.x.reshape(VENDORS, EMOJI, -1) / 255  # vendor by vendor
    same = np.abs(drawn[one] - drawn[two]).mean(1)  # [emoji]
    assert same.min() > 0.001
    classes = [np.flatnonzero(raw.label[:EMOJI] == name) for name in ("food and drink", "activities")]
    other = [np.abs(drawn[one][rows] - drawn[two][np.roll(rows, 1)]).mean(1) for rows in classes]
    assert same.mean() < 0.9 * np.concatenate(other).mean()


def test_all_drawings_of_an_emoji_are_on_one_side_of_the_split(raw):
    stated = emoji_images.CARD.model_copy(update={"n": len(raw), "classes": ("food and drink", "activities")})
    samples = prepare(raw, stated, seed=0).samples
    sides = [np.unique(samples.key[samples.split == part], return_counts=True) for part in (0, 1)]
    assert all(set(counts) == {VENDORS} for _, counts in sides)
    assert not set(sides[0][0]) & set(sides[1][0])
    assert len(sides[1][0]) == pytest.approx(EMOJI / 5, abs=2)
