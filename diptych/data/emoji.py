"""Emoji: drawings of three vendors with the names and tags of emojibase, from npm packages."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from diptych.data._archives import read_members
from diptych.data.base import DataError, Files, Raw
from diptych.data.card import Card, Source

if TYPE_CHECKING:
    import numpy as np

SIDE = 32  # pixels
TEXTS = "emojibase-data-17.0.0.tgz"
VENDORS = {
    "fluent": "iconify-json-fluent-emoji-flat-1.2.6.tgz",
    "noto": "iconify-json-noto-1.2.9.tgz",
    "twemoji": "iconify-json-twemoji-1.2.5.tgz",
}
GROUPS = {
    0: "smileys and emotion",
    1: "people and body",
    3: "animals and nature",
    4: "food and drink",
    5: "travel and places",
    6: "activities",
    7: "objects",
    8: "symbols",
}


def _npm(file: str, package: str, version: str, sha256: str) -> Source:
    return Source(kind="npm", file=file, package=package, version=version, sha256=sha256)


CARD = Card(
    name="emoji",
    title="Emoji drawings and their names",
    modality="image_text",
    metric="balanced_accuracy",
    sources=(
        _npm(TEXTS, "emojibase-data", "17.0.0", "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a"),
        _npm(
            VENDORS["fluent"],
            "@iconify-json/fluent-emoji-flat",
            "1.2.6",
            "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
        ),
        _npm(
            VENDORS["noto"],
            "@iconify-json/noto",
            "1.2.9",
            "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
        ),
        _npm(
            VENDORS["twemoji"],
            "@iconify-json/twemoji",
            "1.2.5",
            "19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7",
        ),
    ),
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
    import numpy as np

    vendors = [_Vendor(files[file].name, read_members(files[file], _Vendor.MEMBERS)) for file in VENDORS.values()]
    member = "package/en/data.json"
    emoji = json.loads(read_members(files[TEXTS], [member])[member])
    emoji = [e for e in emoji if e.get("group") in GROUPS and all(_code(e["hexcode"]) in v.icons for v in vendors)]
    images = [vendor.drawing(_code(e["hexcode"])) for vendor in vendors for e in emoji]
    key = np.tile(np.arange(len(emoji)), len(vendors))
    captions = [f"{e['label']}: {', '.join(e['tags'])}" if e.get("tags") else e["label"] for e in emoji]
    label = np.array([GROUPS[e["group"]] for e in emoji])[key]
    return Raw({"image": np.stack(images), "text": [captions[k] for k in key]}, label, key=key, group=key)


def _code(hexcode: str) -> str:
    """Code points as Iconify writes them, without the variation selector."""
    return hexcode.lower().replace("-fe0f", "")


class _Vendor:
    """The drawings of one icon set by code points."""

    MEMBERS = ("package/icons.json", "package/chars.json")

    def __init__(self, name: str, members: dict[str, bytes]) -> None:
        icons, chars = (json.loads(members[member]) for member in self.MEMBERS)
        self.name, self.bodies = name, icons["icons"]
        self.aliases: dict[str, Any] = icons.get("aliases", {})
        self.size = {"width": icons.get("width", 16), "height": icons.get("height", 16)}
        self.icons: dict[str, str] = {_code(code): icon for code, icon in chars.items()}

    def drawing(self, code: str) -> np.ndarray:
        """The drawing on white: uint8 [SIDE, SIDE, 3]."""
        import numpy as np
        import resvg_py
        from PIL import Image

        name = self.icons[code]
        while name not in self.bodies:
            if name not in self.aliases:
                raise DataError(f"{self.name}: the icon {name} of {code} has no drawing")
            name = self.aliases[name]["parent"]
        icon = self.size | self.bodies[name]
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="0 0 {icon["width"]} {icon["height"]}" width="{SIDE}" height="{SIDE}">{icon["body"]}</svg>'
        )
        png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=SIDE, height=SIDE))
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            white = Image.new("RGBA", picture.size, "white")
            return np.asarray(Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB"))
