"""Small data, a small trained model, and the command line as a function."""

import functools
import io
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from helpers.command import Cli, Finished
from helpers.families import QUICK
from helpers.rows import chinese, english, write_csv
from tenor import TextClassifier
from tenor._core import threads
from tenor.cli import main
from tenor.config.run_config import RunConfig
from tenor.inference.predictor import Predictor
from tenor.training import pipeline

settings.register_profile("tenor", deadline=None)  # a slow machine must not fail a test
settings.load_profile("tenor")

CLUSTER = "tests/distributed/"
NETWORKS = "trained networks"
_NETWORKS = (
    "tests/models/families/test_families.py",
    "tests/models/neural/test_backends.py",
    "tests/models/onnx/test_export.py",
)
_FIRST = [
    NETWORKS,
    "tests/models/families/test_choices.py",
    CLUSTER,
    "tests/training/test_pretraining.py",
    "tests/training/test_trainer.py",
    "tests/models/pretrained/test_pretrained.py",
    "tests/test_sklearn.py",
]


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
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """With `-n auto`, a worker per core. More than eight would wait for the longest groups, with 1 to 2 GB each."""
    return min(threads.available_cores(), 8)


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


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run `tenor` with some arguments in this process; anything but a clean end is raised."""

    for variable in ("TENOR_LANG", "LANGUAGE"):  # a command sets them
        monkeypatch.setenv(variable, "en")

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
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What Tenor remembers of this machine, and its language, are not those of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENOR_LANG", "en")
        patch.setenv("TENOR_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the caches of both hubs, which are empty."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "modelscope"))
    return tmp_path


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
    from helpers.families import ENGLISH, LABELS, SMALL

    @functools.cache
    def model(family: str) -> TextClassifier:
        return TextClassifier(family, SMALL[family], random_state=3).fit(ENGLISH, LABELS)

    return model


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
