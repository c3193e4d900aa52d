"""Emoji: drawings of three vendors with the names and tags of emojibase, from npm packages."""

from diptych.data._emoji import GROUPS, SIDE, TEXTS, VENDORS, read_drawings
from diptych.data.base import Files, Raw
from diptych.data.card import Card

DRAWN = ("fluent", "noto", "twemoji")

CARD = Card(
    name="emoji",
    title="Emoji drawings and their names",
    modality="image_text",
    metric="balanced_accuracy",
    sources=(TEXTS, *(VENDORS[name] for name in DRAWN)),
    licence="drawings: Fluent MIT, Noto Apache-2.0, Twemoji CC BY 4.0; names and tags: emojibase MIT",
    citation="Microsoft Fluent Emoji, Google Noto Emoji, Twitter Twemoji by way of Iconify; emojibase 17",
    n=4758,
    shape=(3, SIDE, SIDE),
    classes=tuple(GROUPS.values()),
    split="grouped",
    group="base emoji",
    prompts=("an emoji of {}", "a drawing that belongs to {}", "{}"),
    mirrored=False,
    caveats=(
        "a sample is one vendor's drawing; the three of an emoji share one caption and are never in two splits",
        "left out: skin tones, emoji that one of the vendors does not draw, and the group of flags (8 would remain)",
        "tags often name the group, so zero-shot classification is easier than with captions alone",
    ),
)


def read(files: Files) -> Raw:
    """Every base emoji that all vendors draw, once per vendor; the caption is its name and tags."""
    drawings = read_drawings(files, DRAWN)
    captions = [f"{e['label']}: {', '.join(e['tags'])}" if e.get("tags") else e["label"] for e in drawings.emoji]
    content = {"image": drawings.image, "text": [captions[key] for key in drawings.key]}
    return Raw(content, drawings.label, key=drawings.key, group=drawings.key)
