"""Sentences of film reviews with the mean sentiment of 20 readers, from VADER's source archive."""

from diptych.data._archives import read_members
from diptych.data.base import Files, Raw
from diptych.data.card import Card, Source

SDIST = "vaderSentiment-3.3.2.tar.gz"
INNER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
MEMBER = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"
NEUTRAL = 0.5  # mean ratings up to here, on the scale -4 to 4, say neither

CARD = Card(
    name="vader_movies",
    title="VADER film review sentences",
    modality="text",
    metric="auroc",
    sources=(
        Source(
            kind="pypi",
            file=SDIST,
            package="vaderSentiment",
            version="3.3.2",
            sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
        ),
    ),
    licence="MIT",
    citation="Hutto & Gilbert 2014, VADER: a parsimonious rule-based model for sentiment analysis, ICWSM; "
    "sentences from Pang & Lee 2004",
    n=10_043,
    shape=(0,),
    classes=("negative", "positive"),
    split="stratified",
    caveats=(
        "the class is the sign of the mean rating of 20 readers; 562 of 10,605 sentences with a mean of at most 0.5 in "
        "size are left out, so the task is easier than all sentences would be",
        "sentences of one review are not marked and can be in both splits",
    ),
)


def read(files: Files) -> Raw:
    """All sentences with a clear sentiment."""
    import numpy as np

    inner = read_members(files[SDIST], [INNER])[INNER]
    lines = read_members(inner, [MEMBER])[MEMBER].decode("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line]  # number, mean rating, sentence
    rating = np.array([float(row[1]) for row in rows])
    clear = np.flatnonzero(np.abs(rating) > NEUTRAL)
    return Raw([rows[i][2] for i in clear], np.where(rating[clear] > 0, "positive", "negative"))
