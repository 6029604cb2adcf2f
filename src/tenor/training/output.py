"""Where a run writes its folder, and its checkpoints while it is training."""

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

from tenor._core import atomic
from tenor._core.language import tr
from tenor._core.records import JsonMapping
from tenor.config import settings
from tenor.config.run_config import PretrainConfig, RunConfig
from tenor.data import builtin
from tenor.data.io.database import is_url
from tenor.errors import BundleError
from tenor.inference import bundle
from tenor.training.run_differences import describe_differences

_CHECKPOINT = re.compile(r"checkpoint\.safetensors|\.checkpoint\.safetensors\.[0-9a-f]+\.part")


def output_folder(run: RunConfig | PretrainConfig) -> Path:
    """The folder that a run writes. Raises BundleError where it cannot be written."""
    return choose_folder(run.out, _name(run, run.family), run.resume, run.overwrite)


def derived_folder(run: RunConfig, purpose: str, holding: str | None = None) -> Path:
    """The next free folder under `runs` for something that belongs to a run.

    Args:
        run: The run.
        purpose: The end of the folder's name.
        holding: Name of a file: the newest folder that has it is preferred; None: a free folder.
    """
    name = _name(run, f"{run.family}-{purpose}")
    free = choose_folder(None, name, resume=False, overwrite=False)
    holders = list(Path("runs").glob(f"{name}*/{holding}")) if holding else []
    return max(holders, key=lambda path: path.stat().st_mtime_ns).parent if holders else free


def _name(run: RunConfig | PretrainConfig, ending: str) -> str:
    source = run.data if isinstance(run, RunConfig) else run.corpus
    if source == "-":
        name = "stdin"
    elif is_url(source):
        name = re.split(r"[/?#]", source.partition("://")[2].partition("?")[0].rstrip("/"))[-1] or "database"
        name = name.rpartition("@")[2].partition(".")[0] or "database"
    elif source in builtin.BUILTINS:
        name = source
    else:
        path = Path(source).resolve()
        names = (re.sub(r"[*?\[\]]", "", part.name).partition(".")[0].strip("-_") for part in (path, path.parent))
        name = next(filter(None, names), "data")
    return f"{name}-{ending}"


def choose_folder(out: str | None, name: str, resume: bool, overwrite: bool) -> Path:
    """The folder to write, checked before hours of training.

    Args:
        out: The folder that was requested; None: the next free one under `runs`.
        name: Name of the folder under `runs`.
        resume: Continue an interrupted run. Then the folder may hold a model, which `is_complete` checks. Without
            `out`, it is the folder of the first interrupted run or, if there is none, of the last run.
        overwrite: Replace what is there.

    Raises:
        BundleError: The folder cannot be written, belongs to an unfinished run, or its checkpoints would go through a
            link.
    """
    if out is not None:
        folder = Path(out)
        unfinished = training_folder(folder)
        _require_no_link(unfinished)
        if not (resume and not overwrite and has_model(folder)):
            bundle.check_target(folder, overwrite)
        if unfinished.exists() and not resume and not overwrite:
            raise BundleError(
                tr("{unfinished}: there is an unfinished run of this model.", unfinished=unfinished),
                tr("Continue it (`resume=True`), or start again (`overwrite=True`)."),
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


def is_complete(folder: Path, saved: "bundle.Bundle | bundle.EncoderBundle", run: JsonMapping) -> bool:
    """Whether a saved folder holds the final model of a run, not a first candidate.

    Args:
        folder: The folder.
        saved: Its contents.
        run: The identity of the run.

    Raises:
        BundleError: The folder belongs to another run.
    """
    metadata = saved.metadata
    known = metadata.get("run")
    if not isinstance(known, Mapping):  # older versions recorded less
        data = metadata.get("data", {}).get("sha256")
        known = {"family": saved.family.name, "seed": metadata.get("seed"), "data": data}
    if isinstance(known.get("settings"), Mapping):
        current = settings.current_names(saved.family.config, known["settings"], str(folder), warn=False)
        known = {**known, "settings": current}
    if any(known[name] != run.get(name) for name in known):
        raise BundleError(
            tr(
                "{folder}: this is of another run ({describe_differences}).",
                folder=folder,
                describe_differences=describe_differences(known, run),
            ),
            tr(
                "Use the same data, settings and seed, choose another folder (`out=...`), or replace "
                "this one (`overwrite=True`, without `resume=True`)."
            ),
        )
    return saved.metrics.is_final


def has_model(folder: Path) -> bool:
    """Whether a model or an encoder was saved to the folder."""
    return (atomic.existing_path(folder) / bundle.MANIFEST).is_file()


def _require_no_link(checkpoints: Path) -> None:
    if checkpoints.is_symlink():
        raise BundleError(
            tr("{checkpoints}: this is a link, and checkpoints are written through none.", checkpoints=checkpoints),
            tr("Remove it, or choose another folder (`out=...`)."),
        )


def training_folder(folder: Path) -> Path:
    """Where checkpoints go while a model is trained."""
    return folder.with_name(folder.name + ".training")


def remove_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a finished run, and their folder unless it has other files."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if _CHECKPOINT.fullmatch(path.name):
            path.unlink()
    with contextlib.suppress(OSError):  # not empty: the other files are not Tenor's
        folder.rmdir()
