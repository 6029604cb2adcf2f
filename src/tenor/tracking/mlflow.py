"""Runs in MLflow, by default in `mlflow.db` (SQLite) in the current folder. The only file that imports MLflow."""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor.errors import TenorError, missing_extra
from tenor.tracking.base import Status

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read on import; otherwise MLflow sends usage data
try:
    import alembic  # noqa: F401
    import mlflow
    import sqlalchemy  # noqa: F401
    from mlflow.entities import Metric, Param
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient
except ImportError:
    raise missing_extra("`log='mlflow'`", "mlflow") from None

_EXPERIMENT = "tenor"
_FOLDER = "tenor.folder"
_STATUS = {"finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
_FLUSH_S = 2.0
_MAX_METRICS = 1000  # that MLflow takes at once
_MAX_CHARACTERS = 6000  # of a setting


def start(folder: Path, callback: Callback, resume: bool) -> "Run":
    """Start a run; to resume, continue the last run of this folder that is not finished."""
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)  # they report every table of a new database
    client = MlflowClient()
    try:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", _EXPERIMENT)
        known = client.get_experiment_by_name(name)
        experiment = client.create_experiment(name) if known is None else known.experiment_id
        place = str(folder.resolve())
        if resume:
            query = f"tags.`{_FOLDER}` = '{place}' and attributes.status != 'FINISHED'".replace("\\", "\\\\")
            runs = client.search_runs([experiment], query, max_results=1, order_by=["attributes.start_time DESC"])
            if runs:
                client.update_run(runs[0].info.run_id, status="RUNNING")
                return Run(client, experiment, runs[0].info.run_id, dict(runs[0].data.params))
        run = client.create_run(experiment, run_name=folder.name, tags={_FOLDER: place})
    except MlflowException as error:
        raise _tenor_error(error) from None
    callback.on_message(
        tr("view it with: mlflow ui --backend-store-uri {get_tracking_uri}", get_tracking_uri=mlflow.get_tracking_uri())
    )
    return Run(client, experiment, run.info.run_id)


class Run:
    """One run in MLflow.

    Args:
        client: MLflow's client.
        experiment: Id of the experiment.
        run_id: Id of the run.
        logged: Settings that the run has already.
    """

    def __init__(
        self, client: MlflowClient, experiment: str, run_id: str, logged: Mapping[str, object] | None = None
    ) -> None:
        self.client, self.experiment, self.run_id = client, experiment, run_id
        self.logged = dict(logged or {})
        self.pending: list[Metric] = []
        self.flushed_at = time.monotonic()

    def log_settings(self, values: Mapping[str, object]) -> None:
        """Record settings as parameters."""
        new = {name: str(value)[:_MAX_CHARACTERS] for name, value in values.items() if name not in self.logged}
        self.logged |= new
        self._send(params=[Param(name, value) for name, value in new.items()])

    def log_metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Record metrics; they are sent every two seconds."""
        now = int(time.time() * 1000)
        self.pending += [Metric(_name(name), value, now, step) for name, value in values.items()]
        if time.monotonic() - self.flushed_at > _FLUSH_S:
            self._flush()

    def start_child(self, name: str) -> "Run":
        """Start a nested run."""
        tags = {"mlflow.parentRunId": self.run_id}
        run = self.client.create_run(self.experiment, run_name=name, tags=tags)
        return Run(self.client, self.experiment, run.info.run_id)

    def log_artifact(self, path: Path) -> None:
        """Upload a file."""
        self.client.log_artifact(self.run_id, str(path))

    def finish(self, status: Status) -> None:
        """Send what is pending, and end the run."""
        self._flush()
        self.client.set_terminated(self.run_id, _STATUS[status])

    def _flush(self) -> None:
        while self.pending:
            self._send(metrics=self.pending[:_MAX_METRICS])
            del self.pending[:_MAX_METRICS]
        self.flushed_at = time.monotonic()

    def _send(self, metrics: Sequence[Metric] = (), params: Sequence[Param] = ()) -> None:
        try:
            self.client.log_batch(self.run_id, metrics=metrics, params=params)
        except MlflowException as error:
            raise _tenor_error(error) from None


def _tenor_error(error: MlflowException) -> TenorError:
    return TenorError(
        tr("MLflow: {error}", error=str(error).splitlines()[0]),
        tr("Fix that, or train without `log='mlflow'`."),
    )


def _name(name: str) -> str:
    """The name with only letters, digits and the few signs that MLflow accepts."""
    return "".join(character if character.isalnum() or character in "_-./ " else "_" for character in name)
