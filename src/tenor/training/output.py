"""Where a run puts its folder, and its checkpoints while it goes on."""

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tenor._core import atomic
from tenor.config import settings
from tenor.config.run_config import PretrainConfig, RunConfig
from tenor.data import builtin
from tenor.errors import BundleError
from tenor.inference import bundle

_CHECKPOINT = re.compile(r"checkpoint\.safetensors|\.checkpoint\.safetensors\.[0-9a-f]+\.part")


def output_folder(run: RunConfig | PretrainConfig) -> Path:
    """Where the folder of a run goes. Raises BundleError where it cannot go there."""
    return choose_folder(run.out, _name(run, run.family), run.resume, run.overwrite)


def derived_folder(run: RunConfig, purpose: str, holding: str | None = None) -> Path:
    """The next free folder under `runs` for something that is made of a run.

    Args:
        run: The run.
        purpose: What it is for, which ends its name.
        holding: Name of a file; the last folder that holds it comes first.
    """
    name = _name(run, f"{run.family}-{purpose}")
    free = choose_folder(None, name, resume=False, overwrite=False)
    there = list(Path("runs").glob(f"{name}*/{holding}")) if holding else []
    return max(there, key=lambda path: path.stat().st_mtime_ns).parent if there else free


def _name(run: RunConfig | PretrainConfig, ending: str) -> str:
    source = run.data if isinstance(run, RunConfig) else run.corpus
    if source == "-":
        name = "stdin"
    elif source in builtin.BUILTINS:
        name = source
    else:
        path = Path(source).resolve()
        names = (re.sub(r"[*?\[\]]", "", part.name).partition(".")[0].strip("-_") for part in (path, path.parent))
        name = next(filter(None, names), "data")
    return f"{name}-{ending}"


def choose_folder(out: str | None, name: str, resume: bool, overwrite: bool) -> Path:
    """Where the folder goes; refused early, before hours of training, when it cannot go there.

    Args:
        out: The folder asked for; None takes the next free one under `runs`.
        name: Name of the folder under `runs`.
        resume: A run that was interrupted goes on. The folder may hold a model then: `complete` looks at it. Without
            `out` it is the folder of the first run that was interrupted or, where there is none, of the last run.
        overwrite: What is there is replaced.

    Raises:
        BundleError: The folder cannot be written to, there is an unfinished run of it, or its checkpoints would go
            through a link.
    """
    if out is not None:
        folder = Path(out)
        unfinished = training_folder(folder)
        _require_no_link(unfinished)
        if not (resume and not overwrite and has_model(folder)):
            bundle.check_target(folder, overwrite)
        if unfinished.exists() and not resume and not overwrite:
            raise BundleError(
                f"{unfinished}: there is an unfinished run of this model.",
                "Continue it (`resume=True`), or start again (`overwrite=True`).",
            )
        return folder
    number, last = 1, None
    while True:
        folder = Path("runs") / (name + (f"-{number}" if number > 1 else ""))
        unfinished = training_folder(folder)
        _require_no_link(unfinished)
        if resume and unfinished.exists():
            return folder
        if not (atomic.existing_path(folder).exists() or unfinished.exists()):
            return last or folder
        last = folder if resume and has_model(folder) else last
        number += 1


def is_complete(folder: Path, saved: "bundle.Bundle | bundle.EncoderBundle", run: Mapping[str, Any]) -> bool:
    """Whether a saved folder is what a run ends with, rather than a first model of it.

    Args:
        folder: The folder.
        saved: What is in it.
        run: What the run is made of, as `tenor.json` tells it.

    Raises:
        BundleError: It is the folder of another run.
    """
    about = saved.metadata
    known = about.get("run")
    if not isinstance(known, Mapping):  # older versions kept less
        known = {"family": saved.family.name, "seed": about.get("seed"), "data": about.get("data", {}).get("sha256")}
    if isinstance(known.get("settings"), Mapping):
        current = settings.current_names(saved.family.config, known["settings"], str(folder), warn=False)
        known = {**known, "settings": current}
    if differing := [name for name in known if known[name] != run.get(name)]:
        raise BundleError(
            f"{folder}: this is of another run ({', '.join(differing)} differ).",
            "Use the same data, settings and seed, choose another folder (`out=...`), or replace this one "
            "(`overwrite=True`, without `resume=True`).",
        )
    return saved.metrics.is_final


def has_model(folder: Path) -> bool:
    """Whether a model or an encoder was saved to the folder."""
    return (atomic.existing_path(folder) / bundle.MANIFEST).is_file()


def _require_no_link(checkpoints: Path) -> None:
    if checkpoints.is_symlink():
        raise BundleError(
            f"{checkpoints}: this is a link, and checkpoints are written through none.",
            "Remove it, or choose another folder (`out=...`).",
        )


def training_folder(folder: Path) -> Path:
    """Where checkpoints go while a model is trained."""
    return folder.with_name(folder.name + ".training")


def remove_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a run that is through, and their folder, unless there is something else in it."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if _CHECKPOINT.fullmatch(path.name):
            path.unlink()
    with contextlib.suppress(OSError):  # not empty: what else is there is not Tenor's
        folder.rmdir()
