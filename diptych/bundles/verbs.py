"""The verbs about bundles: bundle, verify, compare."""

import argparse
import json
from pathlib import Path


def duration(text: str) -> float:
    """Seconds of a duration, e.g. 90s, 30m, 1h30m."""
    from diptych.budget import seconds
    from diptych.spec import BenchmarkError

    try:
        return seconds(text)
    except BenchmarkError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def bundle(options: argparse.Namespace) -> None:
    """`diptych bundle BENCHMARK`: one file of everything that a board rests on."""
    from diptych import plan
    from diptych.bundles import pack, reference

    planned = plan.load(options.benchmark, options.root)
    board = planned.root / "boards" / planned.name
    if absent := [name for name in pack.BOARD if not (board / name).exists()]:
        first = f"make run BENCHMARK={options.benchmark}"
        raise FileNotFoundError(f"no {board / absent[0]}; run the benchmark first: {first}")
    if options.reference:
        out = reference.publish(planned)
    else:
        out = options.out or planned.root / "bundles" / f"{planned.name}.zip"
        pack.write(planned, out)
    print(f"{out.as_posix()}: {len(planned.cells)} cells, {out.stat().st_size / 1e6:.2f} MB")


def verify(options: argparse.Namespace) -> int:
    """`diptych verify BUNDLE`: checks a bundle by itself; exit code 1 if it does not hold."""
    from diptych.boards.tables import counted
    from diptych.bundles import verify

    found, followed = verify.verified(options.bundle)
    for finding in found:
        print(finding)
    print("; ".join(filter(None, [f"verify: {options.bundle.as_posix()}: {counted(len(found), 'finding')}", followed])))
    return 1 if found or (options.cells and not _again(options)) else 0


def _again(options: argparse.Namespace) -> bool:
    """Run cells of a bundle again and say what came of it."""
    from diptych.audits import agreement
    from diptych.bundles import again

    with again.sampled(options.bundle, options.cells, options.budget, options.draw) as sample:
        told = agreement.summary(sample)
        for repeat in (*sample.done, *sample.others):
            print(f"{repeat.verdict}: {repeat.cell.path} {repeat.reason}".rstrip())
    print("\n".join(agreement.lines(told)) or "no cell was run again: none was begun within the budget")
    return again.holds(told)


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
    where = made.add_mutually_exclusive_group()
    where.add_argument("--out", type=Path, help="default bundles/<name>.zip in the folder of results")
    where.add_argument("--reference", action="store_true", help="write reference/<name>/ there, with its board")
    checked = verbs.add_parser("verify", help="check a bundle offline", description=verify.__doc__)
    checked.add_argument("bundle", type=Path)
    checked.add_argument("--cells", type=int, default=0, help="run so many cells again, too; downloads their data")
    checked.add_argument("--budget", type=duration, default=float("inf"), help="begin no other cell after, e.g. 30m")
    checked.add_argument("--draw", default="", help="a name for another sample of cells, e.g. today's date")
    two = verbs.add_parser("compare", help="two bundles or board folders", description=compare.__doc__)
    two.add_argument("a", type=Path, help="the reference")
    two.add_argument("b", type=Path, help="what is set against it")
    two.add_argument("--json", type=Path, help="write the comparison there, too")
    two.add_argument("--strict", action="store_true", help="exit code 1 if a score is shifted")
    for verb in (made, checked, two):
        verb.set_defaults(action=_run)


def _run(options: argparse.Namespace) -> int:
    return VERBS[options.verb](options) or 0
