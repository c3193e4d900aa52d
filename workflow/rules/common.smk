from diptych import warm
from diptych.plan import load
from diptych.spec import BenchmarkError

warm.use_this_python()

try:
    plan = load(config["benchmark"], config.get("results", "results"))
except BenchmarkError as error:  # a user's mistake: what is wrong, without our lines
    raise WorkflowError(str(error)) from None
root = config.get("results", "results")
run = f"{root}/runs/{{dataset}}/{{method}}/{{config}}/{{seed}}"
boards_folder = f"{root}/boards/{plan.name}"
uri = config.get("tracking_uri") or plan.spec.tracking_uri or ""
device = config.get("device") or plan.spec.device
limits = plan.spec.limits


wildcard_constraints:
    dataset="[A-Za-z0-9_]+",
    method="[a-z0-9_]+",
    variant="[0-9a-f]{8}",
    config="[0-9a-f]{8}",
    seed="[0-9]+",
    probe="[0-9a-f]{8}",
    robustness="[0-9a-f]{8}",


def job(stage):
    return lambda wildcards: plan.job(stage, **wildcards)


def boards(file):
    return f"{boards_folder}/{file}"


def prepared(file, stage="probe"):
    return (
        lambda w: f"{root}/data/{plan.read_by(stage, **w)}/{plan.variant_of(**w, stage=stage)}/{file}"
    )
