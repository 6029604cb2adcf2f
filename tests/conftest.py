"""Small data, a small trained model, and the command line as a function."""

import csv
import functools
import io
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tenor import TextClassifier
from tenor.cli import main
from tenor.config.run_config import RunConfig
from tenor.inference.predictor import Predictor
from tenor.training import pipeline

Row = tuple[str, str]
CLUSTER = "tests/scale/"
NETWORKS = "trained networks"
_NETWORKS = ("tests/test_families.py", "tests/test_backends.py", "tests/models/test_export.py")
_FIRST = [CLUSTER, NETWORKS, "tests/test_training.py", "tests/models/test_pretrained.py", "tests/test_estimator.py"]


def _group(nodeid: str) -> str:
    """What one worker of pytest-xdist runs: a file, or the files that share a cluster or the fixture `trained`."""
    path = nodeid.partition("::")[0]
    if path.startswith(CLUSTER):
        return CLUSTER
    return NETWORKS if path in _NETWORKS else path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest groups come first, so that no worker is alone with one in the end; of a group, all are together."""
    rank = {group: number for number, group in enumerate(_FIRST)}
    items.sort(key=lambda item: rank.get(_group(item.nodeid), len(rank)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile`, groups go to the workers in this order."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    if config.getvalue("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return Scheduling(config, log)


_ENGLISH = {
    "positive": ["wonderful", "charming", "superb", "moving", "brilliant", "delightful", "warm", "clever"],
    "negative": ["dreadful", "boring", "awful", "tedious", "clumsy", "shallow", "dull", "lazy"],
    "": [
        "the",
        "film",
        "was",
        "and",
        "its",
        "plot",
        "with",
        "an",
        "actor",
        "scene",
        "music",
        "we",
        "saw",
        "a",
        "story",
        "evening",
    ],
}
_CHINESE = {
    "好评": ["很好", "喜欢", "精彩", "满意", "漂亮", "推荐"],
    "差评": ["很差", "失望", "难看", "后悔", "糟糕", "退货"],
    "": ["这本书", "酒店", "质量", "服务", "电影", "内容", "房间", "觉得", "，", "。", "我们", "昨天"],
}


def english(count: int = 60, seed: int = 0) -> list[Row]:
    """Distinct texts and their labels, in turn `positive` and `negative`."""
    return _rows(_ENGLISH, " ", count, seed)


def relabelled(rows: list[Row], kind: str) -> list[Row]:
    """Rows of the same texts with labels of another kind, which the words tell."""
    if kind == "multilabel":
        return [(text, f"{label};short" if len(text) < 50 else label) for text, label in rows]
    if kind == "regression":
        return [(text, str(len(text) / 8 + (label == "positive"))) for text, label in rows]
    if kind == "multiclass":
        return [(text, "long" if len(text) > 60 else label) for text, label in rows]
    return rows


def chinese(count: int = 60, seed: int = 0) -> list[Row]:
    """Distinct texts and their labels, in turn `好评` and `差评`."""
    return _rows(_CHINESE, "", count, seed)


def _rows(words: dict[str, list[str]], joint: str, count: int, seed: int) -> list[Row]:
    draw = random.Random(seed)
    labels = [label for label in words if label]
    rows: dict[str, str] = {}
    while len(rows) < count:
        label = labels[len(rows) % 2]
        chosen = draw.choices(words[""], k=draw.randint(4, 9)) + draw.sample(words[label], 2)
        draw.shuffle(chosen)
        rows.setdefault(joint.join(chosen), label)
    return list(rows.items())


def write_csv(
    path: Path, rows: list[Row], header: tuple[str, ...] = ("text", "label"), encoding: str = "utf-8"
) -> Path:
    """A CSV file of the rows."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([header, *rows])
    path.write_bytes(stream.getvalue().encode(encoding))
    return path


def started(title: str) -> list[int]:
    """The numbers of the processes that this one has started, at any remove, and whose command line has the title."""
    parents, titled = dict[int, int](), []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):  # it is no process, or has ended meanwhile
            number = int(folder.name)
            parents[number] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            titled += [number] if title.encode() in (folder / "cmdline").read_bytes() else []

    def ours(number: int) -> bool:
        return number == os.getpid() or (number in parents and ours(parents[number]))

    return sorted(filter(ours, titled))


@dataclass(frozen=True)
class Finished:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


Cli = Callable[..., Finished]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run `tenor` with some arguments in this process; anything but a clean end is raised."""

    def run(*arguments: object, stdin: bytes = b"") -> Finished:
        monkeypatch.setattr(sys, "argv", ["tenor", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        with pytest.raises(SystemExit, match=r"^\d+$") as ended:
            main()
        captured = capsys.readouterr()
        return Finished(int(str(ended.value.code)), captured.out, captured.err)

    return run


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What Tenor remembers of this machine is kept apart from that of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENOR_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def quick_jax(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment of processes of JAX. Of tiny networks, XLA compiles far longer than it computes: here without
    optimising, and what was compiled once is kept.
    """
    return {
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("compiled")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


@pytest.fixture(scope="session")
def english_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("english") / "reviews.csv", english())


@pytest.fixture(scope="session")
def chinese_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("chinese") / "评论.csv", chinese())


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory, english_csv: Path) -> Path:
    """The folder of an `ngram` model of the English rows. Tests read it and change nothing in it."""
    folder = tmp_path_factory.mktemp("models") / "reviews"
    return pipeline.train(RunConfig(str(english_csv), family="ngram", out=str(folder), settings=QUICK)).folder


@pytest.fixture(scope="session")
def predictor(model_folder: Path) -> Predictor:
    from tenor import load

    return load(model_folder)


@pytest.fixture(scope="session")
def trained() -> Callable[[str], TextClassifier]:
    """A family -> a model of it with its small settings, made once. Tests read it and change nothing in it."""
    from test_families import ENGLISH, LABELS, SMALL

    @functools.cache
    def model(family: str) -> TextClassifier:
        return TextClassifier(family, SMALL[family], random_state=3).fit(ENGLISH, LABELS)

    return model


QUICK = {"word_ngrams": [1], "weighting": "tf-idf", "C": 10.0}
"""Settings of `ngram` that leave nothing to choose."""


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """A context in which no file grows past a number of bytes: writing on fails as on a full disk."""
    resource = pytest.importorskip("resource")  # Windows has none

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The folder of a file system of 1 MiB, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
