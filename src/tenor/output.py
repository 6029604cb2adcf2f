"""Where a run puts its folder, and its checkpoints while it goes on."""

import contextlib
import re
from pathlib import Path

from tenor import bundle
from tenor.data import builtin
from tenor.errors import BundleError
from tenor.runs import Pretraining, Run

_CHECKPOINT = re.compile(r"checkpoint\.safetensors|\.checkpoint\.safetensors\.[0-9a-f]+\.part")


def folder_for(run: Run | Pretraining) -> Path:
    """Where the folder of a run goes. Raises BundleError where it cannot go there."""
    return choose(run.out, _name(run, run.family), run.resume, run.overwrite)


def folder_of(run: Run, purpose: str) -> Path:
    """The next free folder under `runs` for something that is made of a run."""
    return choose(None, _name(run, f"{run.family}-{purpose}"), resume=False, overwrite=False)


def _name(run: Run | Pretraining, ending: str) -> str:
    source = run.data if isinstance(run, Run) else run.corpus
    if source == "-":
        name = "stdin"
    elif source in builtin.BUILTINS:
        name = source
    else:
        path = Path(source).resolve()
        names = (re.sub(r"[*?\[\]]", "", part.name).partition(".")[0].strip("-_") for part in (path, path.parent))
        name = next(filter(None, names), "data")
    return f"{name}-{ending}"


def choose(out: str | None, name: str, resume: bool, overwrite: bool) -> Path:
    """Where the folder goes; refused early, before hours of training, when it cannot go there.

    Args:
        out: The folder asked for; None takes the next free one under `runs`.
        name: Name of the folder under `runs`.
        resume: A run that was interrupted goes on.
        overwrite: What is there is replaced.

    Raises:
        BundleError: The folder cannot be written to, or there is an unfinished run of it.
    """
    if out is not None:
        folder = Path(out)
        unfinished = training_folder(folder)
        if resume and not overwrite and not unfinished.exists() and (folder / bundle.MANIFEST).is_file():
            raise BundleError(
                f"{folder}: there is a model and no unfinished run, so there is nothing to go on with.",
                "Use the model, or train anew (--overwrite, in Python overwrite=True).",
            )
        bundle.check_target(folder, overwrite)
        if unfinished.exists() and not resume and not overwrite:
            raise BundleError(
                f"{unfinished}: there is an unfinished run of this model.",
                "Go on (--resume, in Python resume=True), or start afresh (--overwrite, in Python overwrite=True).",
            )
        return folder
    number = 1
    while True:
        folder = Path("runs") / (name + (f"-{number}" if number > 1 else ""))
        unfinished = training_folder(folder)
        if (resume and unfinished.exists()) or not (folder.exists() or unfinished.exists()):
            return folder
        number += 1


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
