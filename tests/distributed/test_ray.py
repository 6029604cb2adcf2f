"""Labels on a Ray cluster of two nodes: the same as here, also when workers and nodes die."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from helpers.processes import started
from tenor.errors import DataError, SettingsError, TenorError
from tenor.inference import predict_files, predictor
from tenor.inference.predict_files import LabelJob

ray = pytest.importorskip("ray")

from tenor.distributed import cluster  # noqa: E402
from tenor.distributed import predict_files as predict_on_cluster  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.ray]

FILES, ROWS = 8, 400


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    words = ["good", "bad", "fine", "很好", "很差"]
    for number in range(FILES):
        texts = [f"a {words[(row + number) % 5]} film, {row}" for row in range(ROWS)]
        lines = [json.dumps({"id": f"{number}-{row}", "text": text}) for row, text in enumerate(texts)]
        (folder / f"part-{number}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def here(model: Path, files: Path, out: Path) -> dict[str, bytes]:
    job = LabelJob(model, str(files), str(out))
    left, record = predict_files.plan_job(job)
    assert list(predict_files.label_shards(predictor.load(model), left, job, record))[-1] == FILES * ROWS
    return written(out)


def written(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("part-*")}


@pytest.mark.usefixtures("two_nodes")
def test_a_cluster_labels_as_this_machine_does_and_goes_on(tmp_path: Path, files: Path, model_folder: Path) -> None:
    expected = here(model_folder, files, tmp_path / "here")
    job = LabelJob(model_folder, str(files), str(tmp_path / "there"))
    left, record = predict_files.plan_job(job)
    with cluster.connected("ray") as connected:
        through = predict_on_cluster.each(connected, left, job, record, workers=2, threads=1)
        first = next(through)
        through.close()  # as Ctrl-C does
        assert 0 < first < FILES * ROWS
        left, record = predict_files.plan_job(job)
        assert len(left) == FILES - len(record.done) < FILES
        assert list(predict_on_cluster.each(connected, left, job, record, workers=None, threads=1))[-1] == FILES * ROWS
    assert not ray.is_initialized()
    assert written(tmp_path / "there") == expected
    assert predict_files.plan_job(job)[0] == []


def test_no_row_is_lost_when_a_worker_and_a_node_die_and_there_is_no_room_for_another(
    tmp_path: Path, files: Path, model_folder: Path, two_nodes: Any
) -> None:
    third = two_nodes.add_node(num_cpus=1, object_store_memory=100_000_000)
    two_nodes.wait_for_nodes()
    expected = here(model_folder, files, tmp_path / "here")
    job = LabelJob(model_folder, str(files), str(tmp_path / "there"))
    left, record = predict_files.plan_job(job)
    with cluster.connected("ray") as connected:
        through = predict_on_cluster.each(connected, left, job, record, workers=3, threads=1)
        next(through)
        os.kill(started("Labeller")[0], signal.SIGKILL)
        next(through)
        two_nodes.remove_node(third, allow_graceful=False)
        assert list(through)[-1] == FILES * ROWS
    assert written(tmp_path / "there") == expected
    assert [each["rows"] for each in record.done.values()] == [ROWS] * FILES


@pytest.mark.usefixtures("two_nodes")
def test_a_file_that_cannot_be_read_ends_the_job_with_its_name(tmp_path: Path, files: Path, model_folder: Path) -> None:
    (files / "part-3.jsonl").write_text('{"text": "fine"}\n{"text": \n', encoding="utf-8")
    job = LabelJob(model_folder, str(files), str(tmp_path / "there"))
    left, record = predict_files.plan_job(job)
    with cluster.connected("ray") as connected:
        through = predict_on_cluster.each(connected, left, job, record, workers=1, threads=1)
        with pytest.raises(DataError, match=r"part-3\.jsonl, row 2"):
            list(through)
    assert "part-3.jsonl" not in written(tmp_path / "there")


def test_what_is_no_cluster_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="'nowhere' is not the address of a cluster"), cluster.connected("nowhere"):
        pass
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    for address in ("ray", "ray://127.0.0.1:1"):
        with pytest.raises(TenorError, match="no Ray cluster that answers"), cluster.connected(address):
            pass
