"""What people correct is kept, within limits, and becomes training data."""

import json
import os
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tenor.config.run_config import RunConfig
from tenor.data.correction_store import Correction, CorrectionStore
from tenor.data.io import table
from tenor.errors import DataError, SettingsError, TenorError
from tenor.serving import app
from tenor.serving.limits import Limits, RateLimiter
from tenor.tasks import MultiLabel, Regression, SingleLabel
from tenor.training import pipeline

psycopg: Any = pytest.importorskip("psycopg") if os.environ.get("TENOR_TEST_POSTGRESQL") else None


@contextmanager
def client(
    store: CorrectionStore | None, *folders: Path, log: Any = lambda _: None, **options: Any
) -> Iterator[TestClient]:
    with TestClient(
        app.create_app(list(folders), app.ServerOptions(reload_interval_s=0, **options), log, store)
    ) as opened:
        yield opened


POSTGRESQL = os.environ.get("TENOR_TEST_POSTGRESQL")
"""URL of a database whose corrections may be thrown away."""


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return str(tmp_path / "更正.db")
    if POSTGRESQL is None:
        pytest.skip("TENOR_TEST_POSTGRESQL names no database")
    with psycopg.connect(POSTGRESQL) as connection:
        connection.execute("drop table if exists tenor_corrections")
    return POSTGRESQL


@pytest.fixture
def store(where: str) -> Iterator[CorrectionStore]:
    opened = CorrectionStore(where)
    yield opened
    opened.close()


def rows(path: Path) -> list[tuple[Any, ...]]:
    source = table.open_table(path)
    return [row for chunk in source.chunks for row in zip(*chunk.columns.values(), strict=True)]


def test_corrections_become_data_that_is_trained_on_as_it_is(
    cli: Any, tmp_path: Path, where: str, store: CorrectionStore, model_folder: Path
) -> None:
    given = {f"好看 film, no. {number}\n": ["negative", "positive"][number % 2] for number in range(12)}
    with client(store, model_folder) as server:
        for text, label in [("好看 film, no. 0\n", "positive"), *given.items()]:  # the last word on a text counts
            result = server.post("/corrections", json={"text": text, "label": label})
            assert (result.status_code, result.json()["label"]) == (201, label)
            said = server.post("/predict", json={"inputs": text}).json()["predictions"][0][0]["label"]
            assert result.json()["predicted"] == said
        assert server.get("/models").json()[0]["corrections"] is True
    out = tmp_path / "new.csv"
    ended = cli("corrections", "export", where, "--out", out)
    assert (ended.code, ended.err) == (0, f"12 rows: {out}\n")
    assert [row[:2] for row in rows(out)] == list(given.items())
    assert cli("train", out, "--family", "ngram", "--out", tmp_path / "model").code == 0
    assert "this exists already" in cli("corrections", "export", where, "--out", out).err
    if where != POSTGRESQL:
        assert stat.S_IMODE(Path(where).stat().st_mode) == 0o600


def test_lists_and_numbers_are_corrected_and_trained_on(
    cli: Any, tmp_path: Path, where: str, store: CorrectionStore
) -> None:
    lines = (
        json.dumps(
            {
                "text": f"{'red' * (row % 2)} {'blue' * (row % 3 > 0)} thing {row}",
                "label": ["red"] * (row % 2) + ["blue"] * (row % 3 > 0),
                "n": row % 2 + row / 1000,
            }
        )
        for row in range(60)
    )
    (tmp_path / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    quick: dict[str, Any] = {"family": "ngram", "report": False, "text": "text"}
    data = str(tmp_path / "rows.jsonl")
    several = pipeline.train(RunConfig(data, label="label", out=str(tmp_path / "several"), **quick)).folder
    numbers = pipeline.train(
        RunConfig(data, label="n", task="regression", out=str(tmp_path / "numbers"), **quick)
    ).folder
    with client(store, several, numbers) as server:
        for number in range(12):
            for model, label in (("several", [[], ["red"], ["blue", "red"]][number % 3]), ("numbers", number)):
                sent = {"model": model, "text": f"thing {number}", "label": label}
                assert server.post("/corrections", json=sent).status_code == 201
        assert server.post("/corrections", json={"text": "a", "label": 1}).status_code == 422
        assert server.post("/corrections", json={"text": "a", "label": 1, "model": "no"}).status_code == 404
    ended = cli("corrections", "export", where, "--out", tmp_path / "x.csv")
    assert "there are corrections of numbers, several.\nName one of these models with --model." in ended.err
    for model, task in (("several", "multilabel"), ("numbers", "regression")):
        out = tmp_path / f"{model}.csv"
        assert cli("corrections", "export", where, "--out", out, "--model", model).code == 0
        assert cli("train", out, "--family", "ngram", "--out", tmp_path / task, "--task", task).code == 0
    missing = cli("corrections", "export", where, "--out", tmp_path / "x.csv", "--model", "no")
    assert "there are no corrections of no yet. There are some of numbers, several." in missing.err


def test_what_cannot_be_learned_from_is_refused(store: CorrectionStore, model_folder: Path) -> None:
    with client(store, model_folder, limits=Limits(max_correction_characters=50)) as server:
        for text, label, status in (
            ("good", "other", 422),
            ("good", ["positive"], 422),
            ("good", 1, 422),
            ("good", None, 422),
            ("good", True, 422),
            (" \n", "positive", 422),
            ("a\0b", "positive", 422),
            ("\ud800", "positive", 422),
            ("a" * 51, "positive", 413),
        ):
            content = json.dumps({"text": text, "label": label})
            result = server.post("/corrections", content=content, headers={"content-type": "application/json"})
            assert result.status_code == status, (text, label)
            assert result.json()["detail"]
        # Another web page may send this without being asked first.
        plain = server.post("/corrections", content=json.dumps({"text": "a", "label": "positive"}))
        assert plain.status_code == 422
    assert store.models() == []


def test_each_task_knows_its_labels() -> None:
    for task, good, bad in (
        (SingleLabel(("a", "b")), "a", "c"),
        (MultiLabel(("a", "b")), [], ["a", "a"]),
        (MultiLabel(("a", "b")), ["b", "a"], "a"),
        (Regression(), 3, "3"),
    ):
        assert task.label_problem(good) is None
        assert task.label_problem(bad)


def test_nothing_is_kept_unless_asked_for(model_folder: Path) -> None:
    with client(None, model_folder) as server:
        assert server.post("/corrections", json={"text": "a", "label": "positive"}).status_code == 404
        assert server.get("/models").json()[0]["corrections"] is False
        assert "/corrections" not in server.get("/openapi.json").json()["paths"]


def test_keys_limits_and_a_broken_database(where: str, store: CorrectionStore, model_folder: Path) -> None:
    events: list[dict[str, Any]] = []
    sent = {"text": "a secret", "label": "positive"}
    limits = Limits(corrections_per_minute=3)
    with client(store, model_folder, keys=("one",), limits=limits, log=events.append) as server:
        key = {"X-API-Key": "one"}
        assert server.post("/corrections", json=sent).status_code == 401
        assert server.post("/corrections", json=sent, headers=key).status_code == 201
        store.max_corrections = 1
        assert server.post("/corrections", json=sent, headers=key).status_code == 507
        if where == POSTGRESQL:
            with psycopg.connect(where) as connection:
                connection.execute("drop table tenor_corrections")
        else:
            Path(where).write_bytes(b"no database" * 1_000)
        result = server.post("/corrections", json=sent, headers=key)
        assert (result.status_code, result.json()["detail"]) == (503, "the correction could not be kept; try again.")
        result = server.post("/corrections", json=sent, headers=key)
        assert (result.status_code, int(result.headers["retry-after"]) > 0) == (429, True)
    assert "correction not kept" in {event["event"] for event in events}
    assert "secret" not in json.dumps(events)


def test_a_rate_lets_through_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    rate = RateLimiter(60)
    assert [rate.wait() for _ in range(61)] == [0] * 60 + [1]


def add(where: str, count: int) -> None:
    store = CorrectionStore(where)
    for number in range(count):
        store.add(Correction("m", "1", f"{threading.get_ident()} {number}", "a", "b"))
    store.close()


def test_many_write_at_once(where: str) -> None:
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(add, [where] * 4, [25] * 4))
    shared = CorrectionStore(where)
    threads = [threading.Thread(target=lambda: [shared.add(Correction("n", "1", "t", "a", "b"))] * 2) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shared.models() == ["m", "n"]
    assert sum(len(chunk) for chunk in shared.table("n").chunks) == 1
    with shared._engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from tenor_corrections").scalar() == 108
    shared.close()


def test_a_database_that_cannot_be_used_is_told(
    cli: Any, tmp_path: Path, model_folder: Path, english_csv: Path
) -> None:
    for where, error, message in (
        ("foo://x", SettingsError, r"foo://x: Can't load plugin.* Give a file, or a URL"),
        ("://", SettingsError, "this is not the URL of a database"),
        ("postgresql://me:s3cret@host:port/x", SettingsError, r"^this is not the URL of a database"),
        (str(english_csv), TenorError, r"the database of corrections says: file is not a database\. Check"),
        (str(tmp_path), DataError, r"this cannot be written: Is a directory\. Choose another file"),
    ):
        with pytest.raises(error, match=message):
            CorrectionStore(where)
    assert "error: " in cli("serve", model_folder, "--corrections", tmp_path).err
    assert "there is no such file" in cli("corrections", "export", tmp_path / "no", "--out", tmp_path / "x.csv").err
    (tmp_path / "empty.db").touch()
    ended = cli("corrections", "export", tmp_path / "empty.db", "--out", tmp_path / "x.csv")
    assert (ended.code, "there are no corrections in this database" in ended.err) == (1, True)
    CorrectionStore(str(tmp_path / "new.db")).close()
    ended = cli("corrections", "export", tmp_path / "new.db", "--out", tmp_path / "x.csv")
    assert (ended.code, "there are no corrections yet" in ended.err) == (1, True)


def test_a_link_that_leads_nowhere_makes_no_file_there(tmp_path: Path) -> None:
    (tmp_path / "kept.db").symlink_to(tmp_path / "victim.db")
    with pytest.raises(DataError, match=r"kept\.db: this is a link that leads nowhere\. Remove it"):
        CorrectionStore(str(tmp_path / "kept.db"))
    assert not (tmp_path / "victim.db").exists()
