"""Under which conditions a cell is trained and probed: damage before pretraining, where it counts, and imputation."""

from dataclasses import dataclass
from itertools import product
from typing import Any

from diptych import catalog
from diptych.imputers import NONE
from diptych.spec import Benchmark

Job = dict[str, Any]
BOTH, PRETRAINING = "both", "pretraining"


@dataclass(frozen=True)
class Condition:
    """What happens to prepared data on their way to the stages of a cell."""

    corruption: str = ""  # before pretraining; empty for none
    severity: float = 0.0
    at: str = BOTH  # pretraining: the stages after it see undamaged data
    impute: str = NONE

    def __str__(self) -> str:
        """The damage: `missing_mcar-0.2`, `missing_mcar-0.2@pretraining`, or nothing."""
        damage = f"{self.corruption}-{self.severity:g}" if self.corruption else ""
        return damage if self.at == BOTH else f"{damage}@{self.at}"

    def data(self, stage: str) -> Job:
        """What shapes the data that a stage of a cell reads.

        Robustness damages before it imputes, so that every imputer, and none, meets the same masks.
        """
        damaged = self.corruption and (self.at == BOTH or stage == "pretrain")
        damage = {"name": self.corruption, "severity": self.severity} if damaged else None
        return {"corruption": damage} | (self.imputed if stage != "robustness" else {})

    @classmethod
    def of(cls, text: str) -> "Condition":
        """From its text, which says nothing of imputation."""
        damage, _, at = text.partition("@")
        corruption, _, severity = damage.rpartition("-")
        return cls(corruption, float(severity or 0), at or BOTH)

    @property
    def imputed(self) -> Job:
        """The imputer as a setting of jobs and an axis of boards; nothing where there is none."""
        return {"impute": self.impute} if self.impute != NONE else {}


def conditions(asked: Benchmark, modality: str) -> list[Condition]:
    """Those that a benchmark asks for on data of a modality; what cannot be done to it is left out."""
    damage = [
        (name, severity, at) if severity else ("", 0.0, BOTH)
        for name in _able("corruptions", asked.pretrain_corruption, modality)
        for severity in asked.pretrain_corruption[name]
        for at in asked.pretrain_corruption_at
    ]
    imputers = _able("imputers", asked.impute, modality) or [NONE]
    found = product(dict.fromkeys(damage) or [("", 0.0, BOTH)], imputers)
    return [Condition(corruption, severity, at, impute) for (corruption, severity, at), impute in found]


def _able(kind: str, names: Any, modality: str) -> list[str]:
    known = catalog.components(kind)
    return [name for name in names if name == NONE or modality in known[name].attributes["modalities"]]
