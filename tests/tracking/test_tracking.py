"""Figures of a run for TensorBoard and MLflow."""

import importlib.util
import socket
from pathlib import Path
from typing import Any

import pytest
from sklearn.base import clone

from tenor import TextClassifier, tracking
from tenor._core.callbacks import Callback
from tenor.config.run_config import RunConfig
from tenor.errors import BundleError, DataError, SettingsError, WriteError
from tenor.training import pipeline, tuning

# Not imported here: Tenor's part sets what has to be set before.
missing = [name for name in ("tensorboard", "mlflow") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(missing), reason=f"not installed: {missing}"),
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated"),  # in MLflow's tables
]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Everything is kept in the folder, and whoever reaches for the network fails."""

    def refused(*_: Any) -> None:
        raise AssertionError("something was to be sent")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


def write(path: str) -> str:
    rows = "".join(f"a {('fine', 'dull')[row % 2]} film {row},{('good', 'bad')[row % 2]}\n" for row in range(60))
    Path(path).write_text("text,label\n" + rows)
    return path


def broken(name: str, folder: str, error: BaseException) -> None:
    """A run of one step that then raises."""
    with tracking.track([name], Path(folder), Callback()) as told:
        told.log_settings({"epochs": 3})
        told.log_metrics("step", 1, {"loss": 0.5})
        raise error


def events(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """The figures in the files of events of a folder: step and value by name; and the status of its session."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.tensorflow_stub.errors import OutOfRangeError
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    result: dict[str, list[Any]] = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        reader = PyRecordReader_New(str(path))
        for _ in range(10_000):
            try:
                reader.GetNext()
            except OutOfRangeError:
                break
            event = Event.FromString(reader.record())
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    result.setdefault(value.tag, []).append((event.step, value.simple_value))
                else:
                    data = HParamsPluginData.FromString(value.metadata.plugin_data.content)
                    result.setdefault(value.tag, []).append(data)
    return result


def test_a_run_is_seen_in_both_with_settings_candidates_and_test_figures() -> None:
    from mlflow.tracking import MlflowClient

    data = write("rows.csv")
    trained = pipeline.train(RunConfig(data, family="ngram", out="runs/one", log=("tensorboard", "mlflow")))
    test = trained.metrics["test"]
    result = events(Path("runs/tensorboard/one"))
    assert result["test/accuracy"] == [(0, pytest.approx(test["accuracy"]))]
    losses = [float(row["loss"]) for row in trained.predictor.bundle.history]
    assert result["candidate/loss"] == [(number, pytest.approx(loss)) for number, loss in enumerate(losses, 1)]
    [started] = result["_hparams_/session_start_info"]
    assert started.session_start_info.hparams["weighting"].string_value == trained.predictor.bundle.config.weighting

    assert Path("mlflow.db").is_file()
    client = MlflowClient()
    [run] = client.search_runs([client.get_experiment_by_name("tenor").experiment_id])
    assert (run.info.run_name, run.info.status) == ("one", "FINISHED")
    assert run.data.params["data"] == "rows.csv"
    assert run.data.params["weighting"] == trained.predictor.bundle.config.weighting
    assert run.data.metrics["test/accuracy"] == test["accuracy"]
    assert run.data.metrics["test/f1/good"] == test["per_class"]["good"]["f1"]
    assert [each.path for each in client.list_artifacts(run.info.run_id)] == ["report.html"]
    from mlflow.telemetry import get_telemetry_client

    assert get_telemetry_client() is None

    Path("one.csv").write_text("text,label\n" + "a,x\n" * 30)
    with pytest.raises(DataError, match="label"):  # found before anything is logged
        pipeline.train(RunConfig("one.csv", family="ngram", out="runs/none", log=("mlflow",)))
    with pytest.raises(KeyboardInterrupt):
        broken("mlflow", "runs/two", KeyboardInterrupt())
    with pytest.raises(ValueError, match="wrong"):
        broken("mlflow", "runs/three", ValueError("wrong"))
    with tracking.track(["mlflow"], Path("runs/four"), Callback(), resume=True) as told:
        told.on_candidate_end("trial 1", {"validation_loss": 0.3}, {"C": 3.0})
    runs = {run.info.run_name: run for run in client.search_runs([run.info.experiment_id])}
    states = {name: run.info.status for name, run in runs.items()}
    assert states == {"one": "FINISHED", "two": "KILLED", "three": "FAILED", "four": "FINISHED", "trial 1": "FINISHED"}
    assert runs["trial 1"].data.tags["mlflow.parentRunId"] == runs["four"].info.run_id
    assert runs["trial 1"].data.params == {"C": "3.0"}

    with tracking.track(["mlflow"], Path("runs/two"), Callback(), resume=True) as told:
        told.log_metrics("step", 2, {"loss": 0.4})
    again = client.get_run(runs["two"].info.run_id)
    assert again.info.status == "FINISHED"
    history = client.get_metric_history(again.info.run_id, "step/loss")
    assert [(each.step, each.value) for each in history] == [(1, 0.5), (2, 0.4)]


def test_events_of_a_resumed_run_stay_and_those_of_a_new_one_replace_others() -> None:
    place = Path("runs/tensorboard/one")
    for resume, expected in ((False, [(1, 0.5)]), (True, [(1, 0.5), (2, 0.5)]), (False, [(3, 0.5)])):
        with tracking.track(["tensorboard"], Path("runs/one"), Callback(), resume) as told:
            told.log_metrics("step", expected[-1][0], {"loss": 0.5})
        assert events(place)["step/loss"] == expected
    with pytest.raises(ValueError, match="wrong"):
        broken("tensorboard", "runs/one", ValueError("wrong"))
    [ended] = events(place)["_hparams_/session_end_info"]
    from tensorboard.plugins.hparams.api_pb2 import STATUS_FAILURE

    assert ended.session_end_info.status == STATUS_FAILURE


def test_from_python() -> None:
    texts = [f"a {('fine', 'dull')[row % 2]} film {row}" for row in range(60)]
    model = TextClassifier(log=("tensorboard",)).fit(texts, [row % 2 for row in range(60)])
    assert clone(model).log == ("tensorboard",)
    losses = [float(row["loss"]) for row in model.predictor_.bundle.history]
    result = events(Path("runs/tensorboard/ngram"))["candidate/loss"]
    assert [loss for _, loss in result] == pytest.approx(losses)


def test_each_trial_of_a_search_is_a_run_with_its_settings() -> None:
    tuning.tune(
        tuning.TuneConfig(RunConfig(write("rows.csv"), family="ngram", out="search", log=("tensorboard",)), trials=2)
    )
    result = events(Path("tensorboard/search/trial 1"))
    assert result["validation_loss"][0][1] > 0
    [started] = result["_hparams_/session_start_info"]
    assert started.session_start_info.hparams["C"].number_value > 0


def test_there_is_nothing_else_to_log_to() -> None:
    with pytest.raises(SettingsError, match=r"'tensorbord'\. Did you mean 'tensorboard'"):
        pipeline.train(RunConfig(write("rows.csv"), family="ngram", log=("tensorbord",)))  # type: ignore[arg-type]


def test_events_go_through_no_link(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "tensorboard").symlink_to(tmp_path / "victim")
    with (
        pytest.raises(BundleError, match="tensorboard: this is a link, and Tenor does not write events through links"),
        tracking.track(["tensorboard"], tmp_path / "runs" / "model", Callback()),
    ):
        pass
    assert list((tmp_path / "victim").iterdir()) == []


def test_events_without_room_are_told(tmp_path: Path, full_disk: Any) -> None:
    def write() -> None:
        with tracking.track(["tensorboard"], tmp_path / "model", Callback()) as told, full_disk(100):
            for number in range(1_000):
                told.track_metrics("step", number, {"loss": 1.0})

    with pytest.raises(WriteError, match=r"events cannot be written: File too large\. Free some space, or train"):
        write()


def test_names_and_settings_are_printable() -> None:
    class Kept:
        def __init__(self) -> None:
            self.values: dict[str, Any] = {}

        def log_settings(self, values: Any) -> None:
            self.values |= values

        def log_metrics(self, step: int, values: Any) -> None:
            self.values |= values

    kept = Kept()
    told = tracking.TrackingCallback(Callback(), [kept])  # type: ignore[list-item]
    told.log_settings({"data": "a\x1b.csv", "seed": 1})
    told.track_metrics("test", 0, {"per_class": {"good\u202e": {"f1": 0.5}}})
    assert kept.values == {"data": r"a\x1b.csv", "seed": 1, r"test/f1/good\u202e": 0.5}
