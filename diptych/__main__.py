"""The command line: one verb per stage, plus plan, list, status, retry, show, index and docs."""

import argparse
import ctypes
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from diptych.bundles import verbs as bundles
from diptych.warm import ask

# Set before anything heavy is imported: one thread per job, as many jobs as cores; deterministic matrix products on
# CUDA; no library phones home.
ENVIRONMENT: dict[str, str] = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "TOKENIZERS_PARALLELISM": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}
# verb -> (what it does, inputs, outputs); each verb is a function `run` of diptych/stages/<verb>.py
STAGES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "download": ("fetch and verify the files of a data set", (), ("source",)),
    "prepare": ("turn files into arrays, splits and statistics", ("source",), ("data", "card")),
    "pretrain": ("train one cell", ("data", "card"), ("encoder", "record", "history")),
    "embed": ("embed every sample of a cell", ("data", "card", "encoder", "pretrain"), ("embeddings", "record")),
    "probe": (
        "fit probes and score them on test",
        ("card", "embeddings", "embed"),
        ("scores", "predictions", "record"),
    ),
    "robustness": (
        "score probes under corruption",
        ("data", "card", "encoder", "pretrain", "embed"),
        ("scores", "predictions", "record"),
    ),
    "finetune": (
        "train the encoder on the labels, too",
        ("data", "card", "encoder", "pretrain", "embed"),
        ("scores", "predictions", "record"),
    ),
}
SUPERVISED = ("pretrain", "embed", "probe", "robustness", "finetune")  # a failure is a row; elsewhere it ends the run
ON_DEVICE = ("pretrain", "embed", "robustness", "finetune")
BOARDS = {
    "track": "write a benchmark's records to MLflow (idempotent)",
    "aggregate": "read a benchmark's results back from MLflow and check them against the files",
    "report": "leaderboard and report of a benchmark",
    "audit": "check a board against its evidence, and what its numbers can mean; run a cell again",
}

DETAILS = {  # what a verb's help says besides
    "audit": "Integrity: digests, records against the plan, data and sources, MLflow against files, scores from kept "
    "predictions, results and leaderboard made again, environment and lock. Validity: rows, objects, groups and "
    "near-duplicates in both splits, permuted labels, methods below the random encoder, floor and ceiling, identities "
    "of metrics, collapsed encoders, tuning, seeds. Every finding names cell, file, expected and found. Writes "
    "audit.json, audit.txt and audit.html beside the board. Exit code 1 if there is an error; warnings alone exit 0.",
}
TOOLS = {  # verbs for people, about one benchmark
    "plan": "print cells and jobs: cached, missing, stale",
    "status": "print what is done, what failed and why",
    "retry": "drop failed rows so that the next run redoes them",
    "show": "print the leaderboard and where everything is",
    "board": "print a leaderboard as a table for a paper",
}
LISTED = ("methods", "datasets", "probes", "corruptions", "imputers", "metrics", "benchmarks", "encoders", "views")
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
RETRIED = "failed,diverged,collapsed,timeout,oom,skipped"


def main() -> int:
    """Run one verb, a stage by the warm parent if there is one; returns the exit code."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] in (*STAGES, *BOARDS):
        code = ask(arguments)
        if code is not None:
            return code
    return execute(arguments)


def settle() -> None:
    """Set the environment that libraries read when they are imported; what the user has set stays."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Let glibc keep what tensors free for the next ones: given back, each page costs a fault when it is used again.

    Faults were a quarter of the time of a batch of image views and a twentieth of a training step.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries do as they do
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, 32 << 20)  # the most that it takes
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def execute(arguments: list[str]) -> int:
    """Run one verb in this process; returns the exit code."""
    settle()
    options = _parser().parse_args(arguments)
    try:
        code = int(options.action(options) or 0)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever read has enough, as `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, FileNotFoundError, RuntimeError) as error:
        if os.environ.get("DIPTYCH_DEBUG"):
            raise
        print(f"diptych {options.verb}: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="diptych", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (text, inputs, outputs) in STAGES.items():
        verb = verbs.add_parser(name, help=text, description=f"Stage {name}: {text}.")
        verb.add_argument("job", help="the job as JSON; `diptych plan --jobs` prints it")
        for file in (*inputs, *outputs):
            verb.add_argument(f"--{file}", type=Path, required=True, help="input" if file in inputs else "output")
        if name in SUPERVISED:
            verb.add_argument("--minutes", type=float, default=60, help="limit of wall time (default %(default)s)")
            verb.add_argument("--memory-mb", type=float, default=8000, help="limit of memory (default %(default)s)")
        if name in ON_DEVICE:
            verb.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
        verb.set_defaults(action=_stage)
    for name, text in BOARDS.items():
        described = f"Stage {name}: {text}. {DETAILS.get(name, '')}"
        verb = _with_benchmark(verbs.add_parser(name, help=text, description=described))
        verb.add_argument("--uri", default="", help="MLflow store; default sqlite in the results folder")
        verb.add_argument("--marker", type=Path, help="file written when done")
        if name == "audit":
            _add_sample(verb)
        verb.set_defaults(action=_board)
    _add_tools(verbs)
    bundles.add_verbs(verbs)
    return parser


def _with_benchmark(verb: argparse.ArgumentParser) -> argparse.ArgumentParser:
    verb.add_argument("benchmark", help="a benchmark file, e.g. benchmarks/smoke.yaml")
    verb.add_argument("--root", default="results", help="folder of results (default %(default)s)")
    return verb


def _add_sample(verb: argparse.ArgumentParser) -> None:
    """Which cells an audit runs again."""
    sample = verb.add_mutually_exclusive_group()
    sample.add_argument("--cells", type=_count, help="cells to run again, drawn by modality and method (default 1)")
    sample.add_argument("--budget", type=bundles.duration, help="run cells again for so long, e.g. 90s, 30m, 2h")
    sample.add_argument("--all", action="store_true", help="run every cell again")


def _count(text: str) -> int:
    """A number of cells; 0 for none."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of cells: 0 or more")
    return int(text)


def _sample(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments of an audit that say what is run again."""
    if options.all or options.budget is not None:
        return {"rerun": None, "budget": float("inf") if options.all else options.budget}
    return {} if options.cells is None else {"rerun": options.cells}


def _add_tools(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    for name, text in TOOLS.items():
        verb = _with_benchmark(verbs.add_parser(name, help=text, description=text))
        if name == "plan":
            _add_budget(verb)
        if name == "board":
            verb.add_argument("--format", choices=("markdown", "latex"), default="markdown", help="default %(default)s")
            verb.add_argument("--modality", default="", help="with the scores on its data sets (default: all, without)")
        if name == "retry":
            verb.add_argument("--status", default=RETRIED, help="which rows to redo (default %(default)s)")
        verb.set_defaults(action=_tool)
    verb = verbs.add_parser("list", help="what there is", description="A table of what the suite has.")
    verb.add_argument("what", choices=LISTED)
    verb.set_defaults(action=_tool)
    about = "rank agreement between benchmarks, the cheap one first"
    verb = verbs.add_parser(
        "rungs", help=about, description=f"{about.capitalize()}: Kendall's tau over common methods."
    )
    verb.add_argument("boards", nargs="+", help="benchmark files, or folders of boards")
    verb.add_argument("--root", default="results", help="folder of results (default %(default)s)")
    verb.set_defaults(action=_tool)
    verb = verbs.add_parser("index", help="write the index over all benchmarks of a results folder")
    verb.add_argument("--root", default="results", help="folder of results (default %(default)s)")
    verb.set_defaults(action=_tool)
    verb = verbs.add_parser("docs", help="regenerate the generated parts of schema and READMEs")
    verb.add_argument("--check", action="store_true", help="only say whether they are up to date")
    verb.set_defaults(action=_tool)


def _add_budget(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--jobs", action="store_true", help="print every job as JSON lines")
    verb.add_argument("--budget", help="a duration, e.g. 30m or 2h: show which cells fit, in whole data sets and seeds")
    verb.add_argument("--cores", type=int, default=os.cpu_count(), help="jobs at a time (default %(default)s)")
    verb.add_argument("--write", type=Path, help="write a benchmark file of the cells that fit the budget")


def _tool(options: argparse.Namespace) -> int:
    """A verb for people; imported here, because stages must start quickly."""
    return int(importlib.import_module("diptych.tools").VERBS[options.verb](options) or 0)


def _stage(options: argparse.Namespace) -> int:
    """Run one stage on its files; an expected failure becomes its record and exit code 0."""
    stage = importlib.import_module(f"diptych.stages.{options.verb}") if options.verb not in SUPERVISED else None
    job = json.loads(options.job)
    _, inputs, outputs = STAGES[options.verb]
    files = {name: getattr(options, name) for name in (*inputs, *outputs)}
    extra = {"device": options.device} if options.verb in ON_DEVICE else {}
    if stage:
        stage.run(job, **files)
        return 0
    from diptych.supervise import supervise

    def work() -> None:
        importlib.import_module(f"diptych.stages.{options.verb}").run(job, **files, **extra)

    outcome = supervise(work, minutes=options.minutes, memory_mb=options.memory_mb)
    if outcome.status != "ok":
        made = {name: files[name] for name in outputs}
        blank = importlib.import_module(f"diptych.stages.{options.verb}").blank
        blank(job, status=outcome.status, reason=outcome.reason, traceback=outcome.traceback, **made)
        print(f"{options.verb}: {outcome.status}: {outcome.reason}", file=sys.stderr)
    return 0


def _board(options: argparse.Namespace) -> int:
    stage = importlib.import_module(f"diptych.stages.{options.verb}")
    extra = _sample(options) if options.verb == "audit" else {}
    about = {"benchmark": options.benchmark, "root": options.root, "uri": options.uri, "marker": options.marker}
    return int(stage.run(**about, **extra) or 0)


if __name__ == "__main__":
    sys.exit(main())
