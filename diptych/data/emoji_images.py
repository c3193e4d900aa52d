"""Emoji as four vendors draw them: several real pictures of each object, from npm packages."""

from diptych.data._emoji import GROUPS, SIDE, TEXTS, VENDORS, read_drawings
from diptych.data.base import Files, Raw
from diptych.data.card import Card

CARD = Card(
    name="emoji_images",
    title="Emoji drawings of four vendors",
    modality="image",
    metric="balanced_accuracy",
    sources=(TEXTS, *VENDORS.values()),
    licence="drawings: Fluent MIT, Noto Apache-2.0, Twemoji CC BY 4.0, OpenMoji CC BY-SA 4.0; groups: emojibase MIT",
    citation="Microsoft Fluent Emoji, Google Noto Emoji, Twitter Twemoji and OpenMoji by way of Iconify; emojibase 17",
    n=6344,
    shape=(3, SIDE, SIDE),
    classes=tuple(GROUPS.values()),
    split="grouped",
    group="base emoji",
    mirrored=False,
    caveats=(
        "a sample is one vendor's drawing; the four of an emoji share a key and are never in two splits",
        "28 drawings are identical to one of another emoji by the same vendor",
        "left out: skin tones, emoji that one of the vendors does not draw, and the group of flags (8 would remain)",
    ),
)


def read(files: Files) -> Raw:
    """Every base emoji that all four vendors draw, once per vendor; `key` is the emoji."""
    drawings = read_drawings(files, tuple(VENDORS))
    return Raw(drawings.image, drawings.label, key=drawings.key, group=drawings.key)
