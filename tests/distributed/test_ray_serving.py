"""The HTTP interface on a Ray cluster of two nodes: the answers of one process."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from helpers.command import Cli
from tenor.errors import SettingsError
from tenor.serving import app
from tenor.serving.limits import Limits

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("ray.serve")

from tenor.distributed import cluster, serving

pytestmark = [pytest.mark.slow, pytest.mark.ray]

TEXTS = ["a superb, moving film", "dull and boring", "好看 😀 <b>"]
KEY = {"authorization": "Bearer secret"}
REQUESTS: list[tuple[str, str, Any]] = [
    ("POST", "/predict", {"json": {"inputs": TEXTS, "coverage": 0.9, "explain": True}, "headers": KEY}),
    ("POST", "/predict", {"json": {"inputs": TEXTS[0], "top_k": 2}, "headers": KEY}),
    ("POST", "/predict", {"json": {"inputs": TEXTS}}),
    ("POST", "/predict", {"json": {"inputs": ["a"] * 6}, "headers": KEY}),
    ("POST", "/predict", {"json": {"inputs": "a", "model": "none"}, "headers": KEY}),
    ("POST", "/predict", {"json": {"input": "a"}, "headers": KEY}),
    ("GET", "/models", {"headers": KEY}),
    ("GET", "/openapi.json", {"headers": KEY}),
    ("GET", "/health/ready", {}),
    ("GET", "/", {}),
    ("GET", "/page.js", {}),
]


@contextlib.contextmanager
def commanded(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`tenor serve --on ray` as a process, and the address that it tells."""
    command = [sys.executable, "-m", "tenor", "serve", *options, "--on", "ray", "--port", "0"]
    environment = os.environ | {"TENOR_API_KEY": "secret"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as started:
        assert started.stderr is not None
        line = next(line for line in started.stderr if line.startswith("listening on http://127.0.0.1:"))
        try:
            yield started, line.split()[-1]
        finally:
            started.terminate()


@pytest.mark.usefixtures("two_nodes")
def test_a_cluster_answers_as_one_process_and_ends_on_sigterm_once_what_it_took_is_answered(model_folder: Path) -> None:
    # In milliseconds: a request is under way when the signal comes.
    given = ["--min-replicas", "2", "--max-texts", "5", "--batch-wait", "1000"]
    options = app.ServerOptions(limits=Limits(max_texts=5), keys=("secret",), reload_interval_s=0)
    with commanded(str(model_folder), *given) as (started, address):
        with (
            httpx2.Client(base_url=address, timeout=60) as there,
            TestClient(app.create_app([model_folder], options, lambda _: None)) as here,
        ):
            for method, path, more in REQUESTS:
                ours, theirs = there.request(method, path, **more), here.request(method, path, **more)
                assert (ours.status_code, ours.content) == (theirs.status_code, theirs.content)
                kinds = ("content-type", "content-security-policy", "www-authenticate")
                assert [ours.headers.get(kind) for kind in kinds] == [theirs.headers.get(kind) for kind in kinds]
        with cluster.connected("ray") as connected:
            from ray import serve

            assert serve.status().applications["tenor"].deployments["tenor"].replica_states == {"RUNNING": 2}
            refused = partial(serving.running, connected, [model_folder], options, host="127.0.0.1", port=0)
            with (
                pytest.raises(SettingsError, match="serves models of Tenor already"),
                refused(scaling=serving.Scaling()),
            ):
                pass
            with (
                pytest.raises(SettingsError, match="room for 0 replicas of 9 cores"),
                refused(scaling=serving.Scaling(num_threads=9)),
            ):
                pass

        question = {"inputs": [f"a superb film, {number}" for number in range(5)]}
        answers: list[Any] = []

        def ask() -> None:
            answers.append(httpx2.post(f"{address}/predict", json=question, headers=KEY, timeout=60))

        asking = threading.Thread(target=ask)
        asking.start()
        asking.join(0.5)
        started.send_signal(signal.SIGTERM)
        asking.join(60)
        assert started.wait(60) == 0
    assert [answer.status_code for answer in answers] == [200]
    assert len(answers[0].json()["predictions"]) == 5
    with pytest.raises(httpx2.ConnectError, match="refused"):
        httpx2.get(f"{address}/health/live")


def test_corrections_need_a_database_that_all_replicas_reach(cli: Cli, model_folder: Path, tmp_path: Path) -> None:
    done = cli("serve", model_folder, "--on", "ray", "--corrections", tmp_path / "corrections.sqlite")
    assert done.code == 1
    assert "cannot share a file" in done.err
