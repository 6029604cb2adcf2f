"""Runs in MLflow, by default in `mlflow.db` (SQLite) in the current folder. The only part that imports MLflow."""

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tenor._core.callbacks import Callback
from tenor.errors import TenorError, missing_extra
from tenor.tracking import Status

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when it is imported: it would send how it is used
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
_MOST = 1000  # figures that MLflow takes at once
_LONGEST = 6000  # characters of a setting


def start(folder: Path, callback: Callback, resume: bool) -> "Run":
    """A run, or where it is resumed the last one of this folder that did not come to its end."""
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)  # it tells of every table of a new database
    client = MlflowClient()
    try:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", _EXPERIMENT)
        known = client.get_experiment_by_name(name)
        experiment = client.create_experiment(name) if known is None else known.experiment_id
        where = str(folder.resolve())
        if resume:
            wanted = f"tags.`{_FOLDER}` = '{where}' and attributes.status != 'FINISHED'".replace("\\", "\\\\")
            found = client.search_runs([experiment], wanted, max_results=1, order_by=["attributes.start_time DESC"])
            if found:
                client.update_run(found[0].info.run_id, status="RUNNING")
                return Run(client, experiment, found[0].info.run_id, dict(found[0].data.params))
        made = client.create_run(experiment, run_name=folder.name, tags={_FOLDER: where})
    except MlflowException as error:
        raise _refused(error) from None
    callback.on_message(f"to look: mlflow ui --backend-store-uri {mlflow.get_tracking_uri()}")
    return Run(client, experiment, made.info.run_id)


class Run:
    """One run in MLflow."""

    def __init__(self, client: Any, experiment: str, identity: str, told: Mapping[str, Any] | None = None) -> None:
        self.client, self.experiment, self.identity = client, experiment, identity
        self.told = dict(told or {})
        self.waiting: list[Any] = []
        self.flushed = time.monotonic()

    def settings(self, values: Mapping[str, Any]) -> None:
        new = {name: str(value)[:_LONGEST] for name, value in values.items() if name not in self.told}
        self.told |= new
        self._send(params=[Param(name, value) for name, value in new.items()])

    def figures(self, number: int, values: Mapping[str, float]) -> None:
        now = int(time.time() * 1000)
        self.waiting += [Metric(_name(name), value, now, number) for name, value in values.items()]
        if time.monotonic() - self.flushed > _FLUSH_S:
            self._flush()

    def part(self, name: str) -> "Run":
        tags = {"mlflow.parentRunId": self.identity}
        made = self.client.create_run(self.experiment, run_name=name, tags=tags)
        return Run(self.client, self.experiment, made.info.run_id)

    def document(self, path: Path) -> None:
        self.client.log_artifact(self.identity, str(path))

    def end(self, status: Status) -> None:
        self._flush()
        self.client.set_terminated(self.identity, _STATUS[status])

    def _flush(self) -> None:
        while self.waiting:
            self._send(metrics=self.waiting[:_MOST])
            del self.waiting[:_MOST]
        self.flushed = time.monotonic()

    def _send(self, **what: Any) -> None:
        try:
            self.client.log_batch(self.identity, **what)
        except MlflowException as error:
            raise _refused(error) from None


def _refused(error: MlflowException) -> TenorError:
    return TenorError(f"MLflow: {str(error).splitlines()[0]}", "Fix that, or train without `log='mlflow'`.")


def _name(name: str) -> str:
    """The name with nothing in it that MLflow refuses: letters, digits and a few signs are left."""
    return "".join(sign if sign.isalnum() or sign in "_-./ " else "_" for sign in name)
