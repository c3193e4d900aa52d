"""What each stage is asked to do: its settings and the fingerprint of the code that it uses."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from diptych import catalog
from diptych.fingerprint import digest, fingerprint
from diptych.grid import PRETRAIN_ON
from diptych.records import ContractError, read_json

if TYPE_CHECKING:
    from diptych.plan import Plan

Job = dict[str, Any]


def _download(plan: "Plan", dataset: str) -> Job:
    sources = [source.model_dump(mode="json") for source in plan.cards[dataset].sources]
    asked = {"dataset": dataset, "sources": sources, "own": plan.own(dataset)} | plan.origin(dataset)
    return asked | _again(plan, dataset)


def _again(plan: "Plan", dataset: str) -> Job:
    """A source that could not be reached is tried again by the next run."""
    record = plan.root / "data" / dataset / "source.json"
    try:
        skipped = record.exists() and read_json(record).get("status") == "skipped"
    except ContractError:  # a broken record is done again, too
        skipped = True
    return {"after": record.stat().st_mtime_ns} if skipped else {}


def _prepare(plan: "Plan", dataset: str, variant: str) -> Job:
    asked = plan.variants[dataset, variant]
    own, card = plan.own(dataset), plan.cards[dataset]
    modules = ["stages.prepare", "data.own" if own else f"data.{card.home or card.base or dataset}"]
    modules += [f"corruptions.{asked['corruption']['name']}"] if asked["corruption"] else []
    modules += [f"imputers.{asked['impute']}"] if "impute" in asked else []
    return {"dataset": dataset, **asked, "content": asked.get("own"), "own": own, "code": fingerprint(modules)}


def _pretrain(plan: "Plan", dataset: str, method: str, config: str, seed: str) -> Job:
    settings, source = plan.configs[dataset, method, config].settings, plan.read_by("pretrain", dataset, config)
    variant, probed = (plan.variant_of(dataset, config, seed, stage) for stage in ("pretrain", "probe"))
    identity = {"dataset": dataset, "variant": variant, "method": method, "config": config, "seed": int(seed)}
    identity |= {"probed": probed} if probed != variant else {}
    identity |= {PRETRAIN_ON: source} if source != dataset else {}
    code = fingerprint(["stages.pretrain", "train", "build", *_modules(method, settings)])
    return identity | {"settings": settings, "code": code}


def _embed(plan: "Plan", dataset: str, method: str, config: str, seed: str) -> Job:
    modules = _modules(method, plan.configs[dataset, method, config].settings)
    return {"seed": int(seed), "code": fingerprint(["stages.embed", "embedder", *modules])}


def _probe(plan: "Plan", seed: str, **_: str) -> Job:
    return {"probes": plan.probes, "seed": int(seed), "code": fingerprint(["stages.probe", *_scoring(plan)])}


def _robustness(plan: "Plan", dataset: str, method: str, config: str, seed: str, **_: str) -> Job:
    damage, imputed = plan.damage(dataset), plan.condition(dataset, config).imputed
    modules = [*_scoring(plan), *_modules(method, plan.configs[dataset, method, config].settings)]
    modules += [*(f"corruptions.{name}" for name in damage), *(f"imputers.{name}" for name in imputed.values())]
    code = fingerprint(["stages.robustness", "embedder", *modules])
    asked = {"dataset": dataset, "probes": plan.probes, "robustness": damage, "seed": int(seed)}
    return asked | imputed | {"code": code}


def _finetune(plan: "Plan", dataset: str, method: str, config: str, seed: str) -> Job:
    modules = _modules(method, plan.configs[dataset, method, config].settings)
    return {"seed": int(seed), "code": fingerprint(["stages.finetune", *modules, *_every("metrics")])}


def _scoring(plan: "Plan") -> list[str]:
    """Modules of the probes of embeddings that are asked for, and of every metric."""
    return [*(f"probes.{name}" for name in plan.probes), *_every("metrics")]


def _every(kind: str) -> list[str]:
    return [f"{kind}.{name}" for name in catalog.components(kind)]


def _modules(method: str, settings: dict[str, Any]) -> list[str]:
    """The modules of a method, its view and its encoder(s): found by name, so no import leads to them."""
    encoder = settings["encoder"]
    names = [encoder["name"]] if "name" in encoder else [tower["name"] for tower in encoder.values()]
    return [f"methods.{method}", f"views.{settings['view']['name']}", *(f"encoders.{name}" for name in names)]


def _benchmark(stage: str) -> Callable[["Plan"], Job]:
    """A stage over the whole benchmark."""
    return lambda plan: {"plan": plan.digest, "code": fingerprint([f"stages.{stage}"])}


def _report(plan: "Plan") -> Job:
    files = sorted((catalog.PACKAGE / "templates").glob("*.*"))
    templates = digest({file.name: file.read_text(encoding="utf-8") for file in files})
    return _benchmark("report")(plan) | {"templates": templates}


JOBS: dict[str, Callable[..., Job]] = {
    "download": _download,
    "prepare": _prepare,
    "pretrain": _pretrain,
    "embed": _embed,
    "probe": _probe,
    "robustness": _robustness,
    "finetune": _finetune,
    "track": _benchmark("track"),
    "aggregate": _benchmark("aggregate"),
    "report": _report,
    "audit": _benchmark("audit"),
}
