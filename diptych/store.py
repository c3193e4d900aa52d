"""The MLflow store behind every board: opened quietly, searched in pages, written by one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from diptych.records import ContractError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PAGE = 1000  # runs per search
SQLITE = "sqlite:///"
REMOTE = ("http://", "https://", "databricks")


def resolve(uri: str, root: Path | str) -> str:
    """The store that is meant: the sqlite file of the results folder unless another is named."""
    return uri or f"{SQLITE}{(Path(root) / 'mlflow.db').as_posix()}"


def connect(uri: str) -> MlflowClient:
    """A client that reports to nobody and prints nothing."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


@dataclass(frozen=True)
class Store:
    """An experiment of a tracking store."""

    client: MlflowClient
    experiment: str

    @classmethod
    def open(cls, uri: str, root: Path | str, name: str) -> Store:
        """Create the store first, then the experiment; both only where they do not exist."""
        uri = resolve(uri, root)
        beside = _artifacts(uri, root)
        if uri.startswith(SQLITE):
            _file(uri).parent.mkdir(parents=True, exist_ok=True)
        client = connect(uri)
        found = client.get_experiment_by_name(name)
        if found and beside and found.artifact_location != beside:  # the results folder was moved or copied
            client.rename_experiment(found.experiment_id, f"{name} (was at {found.artifact_location})")
            found = None
        if found and found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return cls(client, found.experiment_id if found else client.create_experiment(name, beside))

    @classmethod
    def existing(cls, uri: str, root: Path | str, name: str) -> Store:
        """For reading: an absent store or experiment is an error, and nothing is created."""
        uri = resolve(uri, root)
        if uri.startswith(SQLITE) and not _file(uri).exists():
            raise ContractError(f"there is no MLflow store {uri}; run `diptych track` first")
        client = connect(uri)
        found = client.get_experiment_by_name(name)
        if found is None:
            raise ContractError(f"the MLflow store {uri} has no experiment {name}; run `diptych track` first")
        return cls(client, found.experiment_id)

    def runs(self) -> list[Run]:
        """Every run of the experiment, newest first, in pages."""
        found: list[Run] = []
        token = None
        while True:
            page = self.client.search_runs([self.experiment], max_results=PAGE, page_token=token)
            found += page
            if not (token := page.token):
                return found

    def artifact(self, run: Run, name: str, folder: str) -> Path:
        """A local copy of an artifact of a run."""
        target = Path(folder) / run.info.run_id
        target.mkdir(exist_ok=True)
        try:
            return Path(self.client.download_artifacts(run.info.run_id, name, str(target)))
        except Exception as error:  # each kind of artifact store raises its own
            cell = run.data.tags.get("diptych.cell", "")
            lost = (
                f"cell {cell}: MLflow run {run.info.run_id} has no readable artifact {name}; `diptych track` repairs it"
            )
            raise ContractError(f"{lost} where the results folder was moved: {error}") from error


def grouped(runs: list[Run], tag: str) -> dict[str, list[Run]]:
    """The runs that carry a tag by its value; several per value only after an interrupted tracking."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        if tag in run.data.tags:
            found.setdefault(run.data.tags[tag], []).append(run)
    return found


def look(uri: str) -> str:
    """How to look at a store: the command that serves it to this machine only, or the server's own address."""
    return uri if uri.startswith(REMOTE) else f"mlflow ui --host 127.0.0.1 --backend-store-uri {shlex.quote(uri)}"


def _file(uri: str) -> Path:
    return Path(uri.removeprefix(SQLITE))


def _artifacts(uri: str, root: Path | str) -> str | None:
    """Artifacts lie beside a sqlite file, in the results folder for other databases; a server decides itself."""
    if uri.startswith(REMOTE):
        return None
    home = _file(uri).parent if uri.startswith(SQLITE) else Path(root)
    return (home / "mlartifacts").resolve().as_uri()


@contextlib.contextmanager
def one_writer(uri: str, root: Path | str) -> Iterator[None]:
    """Two processes that create or fill one sqlite store take turns: its first creation is a race otherwise."""
    uri = resolve(uri, root)
    if not uri.startswith(SQLITE):
        yield
        return
    path = Path(f"{_file(uri)}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
