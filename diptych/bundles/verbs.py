"""The verbs about bundles: bundle, verify, compare."""

import argparse
import json
from pathlib import Path


def bundle(options: argparse.Namespace) -> None:
    """`diptych bundle BENCHMARK`: one file of everything that a board rests on."""
    from diptych import plan
    from diptych.bundles import pack

    planned = plan.load(options.benchmark, options.root)
    out = options.out or planned.root / "bundles" / f"{planned.name}.zip"
    pack.write(planned, out)
    print(f"{out.as_posix()}: {len(planned.cells)} cells, {out.stat().st_size / 1e6:.2f} MB")


def verify(options: argparse.Namespace) -> int:
    """`diptych verify BUNDLE`: checks a bundle by itself; exit code 1 if it does not hold."""
    from diptych.bundles import verify

    found = verify.findings(options.bundle)
    for finding in found:
        print(finding)
    print(f"verify: {options.bundle.as_posix()}: {len(found)} findings")
    return 1 if found else 0


def compare(options: argparse.Namespace) -> int:
    """`diptych compare A B`: what differs between two bundles or board folders."""
    from diptych.bundles import compare
    from diptych.records import write_json

    told = compare.compared(options.a, options.b)
    print("\n".join(compare.lines(told)))
    if options.json:
        write_json(options.json, json.loads(json.dumps(told)))
    return 1 if options.strict and told["verdicts"].get("shifted") else 0


VERBS = {"bundle": bundle, "verify": verify, "compare": compare}


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command line of all three."""
    made = verbs.add_parser("bundle", help="pack a finished benchmark into one file", description=bundle.__doc__)
    made.add_argument("benchmark", help="a benchmark file, e.g. benchmarks/smoke.yaml")
    made.add_argument("--root", default="results", help="folder of results (default %(default)s)")
    made.add_argument("--out", type=Path, help="default bundles/<name>.zip in the folder of results")
    checked = verbs.add_parser("verify", help="check a bundle offline", description=verify.__doc__)
    checked.add_argument("bundle", type=Path)
    two = verbs.add_parser("compare", help="two bundles or board folders", description=compare.__doc__)
    two.add_argument("a", type=Path, help="the reference")
    two.add_argument("b", type=Path, help="what is set against it")
    two.add_argument("--json", type=Path, help="write the comparison there, too")
    two.add_argument("--strict", action="store_true", help="exit code 1 if a score is shifted")
    for verb in (made, checked, two):
        verb.set_defaults(action=_run)


def _run(options: argparse.Namespace) -> int:
    return VERBS[options.verb](options) or 0
