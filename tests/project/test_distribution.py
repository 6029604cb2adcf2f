"""The source distribution and the wheel hold what they should, and the wheel works where it is installed."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path, PurePosixPath

import pytest

import tenor

ROOT = Path(__file__).parents[2]
BUILT_FROM = ["CHANGELOG.md", "CITATION.cff", "LICENSE", "MANIFEST.in", "README.md", "SECURITY.md", "pyproject.toml"]
UV = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


def uv(*arguments: str | Path) -> None:
    """Run `uv` without a network; what it prints is in the error when it fails."""
    assert UV, "uv is not installed: run `make test`, or install the group `dev` of pyproject.toml"
    result = subprocess.run([UV, *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a source distribution and of the wheel that is built from it."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in BUILT_FROM:
        shutil.copy(ROOT / name, source / name)
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info"))
    for cache in (source / "src/tenor/__pycache__", source / "tests"):  # neither may be packed
        cache.mkdir(exist_ok=True)
        (cache / "test_left_behind.py").write_text("", encoding="utf-8")
        (cache / "left_behind.pyc").write_bytes(b"")
    uv("build", "--no-build-isolation", "--offline", "--python", sys.executable, "--out-dir", built, source)
    return built


@pytest.fixture(scope="module")
def packed(distributions: Path) -> dict[str, set[PurePosixPath]]:
    """`sdist` and `wheel` -> the paths of their files, without the folder at the top of the source distribution."""
    [sdist], [wheel] = distributions.glob("*.tar.gz"), distributions.glob("*.whl")
    with tarfile.open(sdist) as archive:
        sources = {PurePosixPath(*Path(member.name).parts[1:]) for member in archive if member.isfile()}
    with zipfile.ZipFile(wheel) as archive:
        return {"sdist": sources, "wheel": set(map(PurePosixPath, archive.namelist()))}


def source_files() -> set[PurePosixPath]:
    """The files of the package, relative to `src`."""
    files = (path for path in (ROOT / "src/tenor").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {PurePosixPath(path.relative_to(ROOT / "src").as_posix()) for path in files}


def test_the_package_has_files_that_are_no_python() -> None:
    names = {path.name for path in source_files() if path.suffix != ".py"}
    assert {"py.typed", "page.html", "page.css", "page.js", "card.md.jinja", "page.html.jinja"} <= names
    assert "highlight.html.jinja" in names


def test_the_wheel_has_every_file_of_the_package_and_nothing_else(packed: dict[str, set[PurePosixPath]]) -> None:
    content = {path for path in packed["wheel"] if not path.parts[0].endswith(".dist-info")}
    assert content == source_files()


def test_the_source_distribution_has_the_package_and_its_papers(packed: dict[str, set[PurePosixPath]]) -> None:
    content = packed["sdist"]
    assert {PurePosixPath(name) for name in BUILT_FROM} <= content
    package = {path.relative_to("src") for path in content if path.is_relative_to("src/tenor")}
    assert package == source_files()
    assert not [path for path in content if path.parts[0] == "tests" or "__pycache__" in path.parts]


@pytest.fixture(scope="module")
def metadata(distributions: Path) -> Message:
    """What the wheel says of itself."""
    [wheel] = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode("utf-8"))


def test_the_wheel_says_who_wrote_it_and_what_it_needs(metadata: Message) -> None:
    assert metadata["Version"] == tenor.__version__
    assert metadata["Author"] == "The Tenor developers"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert {"all", "deep", "ray", "serve"} <= set(metadata.get_all("Provides-Extra", []))


@pytest.fixture(scope="module")
def installed(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing in it but the installed wheel."""
    folder = tmp_path_factory.mktemp("installed")
    [wheel] = distributions.glob("*.whl")
    uv("pip", "install", "--offline", "--no-deps", "--python", sys.executable, "--target", folder, wheel)
    return folder


def run(installed: Path, *command: str | Path) -> str:
    """What a command prints that finds the installed wheel before any other Tenor."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=installed, env=environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_the_installed_package_is_imported(installed: Path) -> None:
    code = "import tenor; print(tenor.__file__); print(tenor.__version__)"
    assert run(installed, sys.executable, "-c", code).splitlines() == [
        str(installed / "tenor" / "__init__.py"),
        tenor.__version__,
    ]


def test_the_installed_command_prints_its_version(installed: Path) -> None:
    script = installed / "bin" / "tenor"
    assert run(installed, script, "--version") == f"tenor {tenor.__version__}"
