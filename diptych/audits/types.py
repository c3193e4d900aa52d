"""The types of leakage of Kapoor & Narayanan (Patterns 2023), and which checks here would show each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Type:
    """A type of leakage: the checks that would show it, and how."""

    number: str
    title: str
    checks: tuple[str, ...]
    how: str


TYPES = (
    Type(
        "L1.1",
        "no test set",
        ("ids", "rows"),
        "both splits have rows, no id is in both, and predictions are of test rows alone",
    ),
    Type(
        "L1.2",
        "preprocessing on training and test",
        ("data", "rerun"),
        "statistics are fitted on training rows and stored with their fingerprints",
    ),
    Type(
        "L1.3",
        "feature selection on training and test",
        ("tuning", "rerun"),
        "no feature is selected; probes choose by folds of train, from the grid that they state",
    ),
    Type("L1.4", "duplicates", ("duplicates",), "identical and nearly identical rows of the splits are counted"),
    Type(
        "L2",
        "illegitimate features",
        ("permuted",),
        "not visible in files: the card says what a feature is; shuffled labels must stay at chance",
    ),
    Type(
        "L3.1",
        "temporal leakage",
        ("objects",),
        "windows of a recording share an object, and no object is in both splits",
    ),
    Type(
        "L3.2",
        "training and test not independent",
        ("groups",),
        "no group (subject, speaker, site) is in both splits",
    ),
    Type(
        "L3.3",
        "sampling bias in test",
        ("data",),
        "classes of each split are counted as the card says; whom the data stand for, its caveats say",
    ),
)
