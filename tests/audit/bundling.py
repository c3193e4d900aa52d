"""Bundles with other members: what tests forge them with."""

import hashlib
import io
import json
import zipfile

import pandas as pd

from diptych.__main__ import _parser
from diptych.boards.frame import BEYOND, Board
from diptych.boards.page import feeds
from diptych.bundles import pack, read, verify


def entries(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def seal(bundled, out, *, fixed=True, **changes):
    """A bundle with other members; `fixed`: with a manifest of what they are now."""
    content = entries(bundled) | changes
    if fixed:
        sums = {n: hashlib.sha256(c).hexdigest() for n, c in content.items() if n != pack.MANIFEST}
        content[pack.MANIFEST] = json.dumps(sums).encode()
    pack.zipped(out, content)


def forge(bundled, out, **changes):
    """What is found in a bundle with other members."""
    seal(bundled, out, **changes)
    return verify.findings(out)


def remade(bundled, out, **changes):
    """The changes, with the leaderboard that follows from them."""
    seal(bundled, out, **changes)
    with read.opened(out) as bundle:
        board, feed = feeds(Board(bundle.plan, bundle.folder), "")
        feed |= {name: bundle.json("leaderboard.json")[name] for name in BEYOND}
    made = {"leaderboard.csv": board.to_csv(index=False).encode(), "leaderboard.json": json.dumps(feed).encode()}
    return made | changes


def table(bundled, name, change):
    made = change(pd.read_parquet(io.BytesIO(entries(bundled)[name])))
    buffer = io.BytesIO()
    made.to_parquet(buffer, index=False)
    return {name: buffer.getvalue()}


def member(bundled, name, change):
    """A JSON member, changed."""
    content = json.loads(entries(bundled)[name])
    change(content)
    return {name: json.dumps(content).encode()}


def recorded(bundled, change, stage="pretrain"):
    """The records of a stage of SimCLR's cells, changed."""
    lines = [json.loads(line) for line in entries(bundled)[pack.RECORDS].decode().splitlines()]
    for line in lines:
        if line["stage"] == stage and "/simclr/" in line["cell"]:
            change(line["record"])
    return {pack.RECORDS: "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines).encode()}


def raised(results):
    """One accuracy as it is not."""
    row = results.index[(results["metric"] == "accuracy") & (results["corruption"] == "clean")][0]
    results.loc[row, "value"] += 0.01
    return results


def run(*words):
    """Exit code of `diptych` with these words."""
    options = _parser().parse_args([*map(str, words)])
    return options.action(options)
