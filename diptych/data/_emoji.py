"""Emoji as npm packages hold them: the drawings of four vendors, and the names, tags and groups of emojibase."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diptych.data._archives import read_members
from diptych.data.base import DataError, Files
from diptych.data.card import Source

if TYPE_CHECKING:
    import numpy as np

SIDE = 32  # pixels
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
MEMBER = "package/en/data.json"


def _npm(file: str, package: str, version: str, sha256: str) -> Source:
    return Source(kind="npm", file=file, package=package, version=version, sha256=sha256)


TEXTS = _npm(
    "emojibase-data-17.0.0.tgz",
    "emojibase-data",
    "17.0.0",
    "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
)
VENDORS = {
    "fluent": _npm(
        "iconify-json-fluent-emoji-flat-1.2.6.tgz",
        "@iconify-json/fluent-emoji-flat",
        "1.2.6",
        "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
    ),
    "noto": _npm(
        "iconify-json-noto-1.2.9.tgz",
        "@iconify-json/noto",
        "1.2.9",
        "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
    ),
    "twemoji": _npm(
        "iconify-json-twemoji-1.2.5.tgz",
        "@iconify-json/twemoji",
        "1.2.5",
        "19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7",
    ),
    "openmoji": _npm(
        "iconify-json-openmoji-1.2.29.tgz",
        "@iconify-json/openmoji",
        "1.2.29",
        "03181e2c156cab35cf4a62f1f7886bd971d59212e75ac3f189d5a4cae3930fc5",
    ),
}


@dataclass(frozen=True)
class Drawings:
    """Every base emoji that all the vendors draw, once per vendor, vendor by vendor."""

    image: np.ndarray  # uint8 [n, SIDE, SIDE, 3]
    label: np.ndarray  # [n] names of groups
    key: np.ndarray  # int64 [n], row in `emoji`
    emoji: list[dict[str, Any]]  # emojibase's records


def read_drawings(files: Files, vendors: Sequence[str]) -> Drawings:
    """The drawings of base emoji (no skin tones) by these vendors."""
    import numpy as np

    sets = [_Vendor(name, read_members(files[VENDORS[name].file], _Vendor.MEMBERS)) for name in vendors]
    emoji = json.loads(read_members(files[TEXTS.file], [MEMBER])[MEMBER])
    emoji = [e for e in emoji if e.get("group") in GROUPS and all(_code(e["hexcode"]) in v.icons for v in sets)]
    images = [vendor.drawing(_code(e["hexcode"])) for vendor in sets for e in emoji]
    key = np.tile(np.arange(len(emoji)), len(sets))
    label = np.array([GROUPS[e["group"]] for e in emoji])[key]
    return Drawings(np.stack(images), label, key, emoji)


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
