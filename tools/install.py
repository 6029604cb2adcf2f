"""Install Tenor into `.venv` from the lock file, and print what each step took.

    python3 tools/install.py demo    what `make demo` needs: the base, deep, data, report
    python3 tools/install.py all     everything, with the tools for developers

Standard library only, since it runs before anything is installed. Packages come from `uv`, which is several times as
fast as pip: the one on the PATH, or the one in the lock file. Where neither can be had, pip installs the same files.
Every package is compared with its hash in the lock file.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = {"demo": "requirements-demo.lock", "all": "requirements.lock"}
OLDEST = (3, 11)
Command = list[str | Path]


def main(arguments: list[str]) -> None:
    """Make the environment where there is none, and install one of the two sets."""
    if len(arguments) != 1 or arguments[0] not in LOCKS:
        sys.exit(f"usage: python3 tools/install.py {'|'.join(LOCKS)}")
    if sys.version_info < OLDEST:
        sys.exit(
            f"Tenor needs Python {OLDEST[0]}.{OLDEST[1]} or newer, and this is {sys.version.split()[0]}.\n"
            "Name a newer one: make demo PYTHON=/path/to/python3"
        )
    environment = ROOT / ".venv"
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        step(
            f"environment .venv (Python {sys.version.split()[0]})",
            lambda: run(sys.executable, "-m", "venv", environment),
        )
    lock = ROOT / LOCKS[arguments[0]]
    uv = find_uv(python)
    # The tests start many processes, and each would compile what it imports. pip always compiles.
    options = ["--compile-bytecode"] if arguments[0] == "all" else []
    install_packages(python, uv, ["--no-deps", "--require-hashes", "-r", lock], f"packages of {lock.name}", options)
    install_packages(python, uv, ["--no-build-isolation", "--no-deps", "-e", ROOT], "tenor")


def step(name: str, action: Callable[[], None]) -> None:
    """Run one step and print its name with the seconds that it took."""
    print(f"  {name} ...", end="", flush=True)
    started_at = time.perf_counter()
    action()
    print(f" {time.perf_counter() - started_at:.1f} s", flush=True)


def run(*command: str | Path, environment: dict[str, str] | None = None) -> None:
    """Run a command quietly. Raises CalledProcessError, with what it printed, where it fails."""
    subprocess.run(
        command, check=True, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def find_uv(python: Path) -> Path | None:
    """The path of `uv`: on the PATH, or put into the environment; None where it cannot be installed."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(python.parent))
    if uv is None:
        try:
            step("uv, the installer", lambda: install_uv(python))
        except subprocess.CalledProcessError:
            print(" not available here; pip installs the packages, which takes longer", flush=True)
            return None
        uv = shutil.which("uv", path=str(python.parent))
    return Path(uv) if uv else None


def uv_requirement() -> str:
    """The entry of `uv` in the lock file, with its hashes."""
    text = (ROOT / LOCKS["all"]).read_text(encoding="utf-8")
    [entry] = re.findall(r"^uv==.*(?:\n    --hash=.*)+", text, re.MULTILINE)
    return str(entry)


def install_uv(python: Path) -> None:
    """Install the `uv` of the lock file, checked by its hashes."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "uv.txt"
        requirements.write_text(uv_requirement() + "\n", encoding="utf-8")
        run(*pip(python), "--no-deps", "--require-hashes", "-r", requirements)


def install_packages(
    python: Path, uv: Path | None, arguments: Command, name: str, uv_options: Sequence[str] = ()
) -> None:
    """Install with `uv`, and with pip where there is no `uv` or it fails. Ends the program where pip fails too."""
    if uv is not None:
        try:
            step(
                name,
                lambda: run(
                    uv,
                    "pip",
                    "install",
                    "--python",
                    python,
                    *uv_options,
                    *arguments,
                    environment=uv_environment(python),
                ),
            )
            return
        except subprocess.CalledProcessError as error:
            print(f" uv failed, so pip tries:\n{error.stdout}", flush=True)
    try:
        step(f"{name}, with pip", lambda: run(*pip(python), *arguments))
    except subprocess.CalledProcessError as error:
        sys.exit(f"\n{error.stdout}\nThe packages could not be installed. Is the package index reachable?")


def pip(python: Path) -> Command:
    """The beginning of a quiet `pip install`."""
    return [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]


def uv_environment(python: Path) -> dict[str, str]:
    """The environment of `uv`: it does not read pip's settings, so the mirror that they name is passed to it."""
    environment = dict(os.environ)
    if not any(name in environment for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL")):
        index = environment.get("PIP_INDEX_URL") or pip_index(python)
        if index:
            environment["UV_DEFAULT_INDEX"] = index
    return environment


def pip_index(python: Path) -> str:
    """The package index in pip's settings; empty where they name none."""
    for section in ("global", "install"):
        command: Command = [python, "-m", "pip", "config", "get", f"{section}.index-url"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode == 0:
            return str(result.stdout).strip()
    return ""


if __name__ == "__main__":
    main(sys.argv[1:])
