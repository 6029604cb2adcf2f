"""A new version of a model takes the place of the old one, once it was tried. Whatever it does, the server goes on."""

import asyncio
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tenor.errors import TenorError
from tenor.inference import bundle
from tenor.serving import trial
from tenor.serving.served import ServedModel

_REST = 10
"""A version that was refused is tried again after so many times as long as that took: it may have been the disk."""
_LARGEST = 256 << 20  # bytes of a manifest
Log = Callable[[dict[str, Any]], None]
Outcome = Callable[[str, str], None]


async def watch(served: ServedModel, every_s: float, trial_s: float, log: Log, count: Outcome) -> None:
    """Look again and again whether a model's folder has changed. What is asked meanwhile is answered.

    Args:
        served: The model.
        every_s: Seconds between two looks.
        trial_s: Seconds of processor time in which a new version has to be loaded and to predict.
        log: Hears of every change.
        count: Hears the model's name, and `taken` or `refused`.
    """
    again_at = 0.0
    told: tuple[str | None, str] | None = None
    while True:
        await asyncio.sleep(every_s)
        version: str | None = None
        problem: str | None = None
        begin = time.monotonic()
        try:
            digest = await asyncio.to_thread(_digest, served.folder)
            version = bundle.short_version(digest)
            if digest in ("", served.predictor.bundle.digest):
                served.refused = None
                continue
            if version == served.refused and begin < again_at:
                continue
            problem = await trial.try_model(served.folder, digest, trial_s)
            if problem is None:
                await served.reload(digest, trial_s)
                log({"event": "reloaded", "model": served.name, "version": served.version})
                log_notes(served, log)
                count(served.name, "taken")
                told = None
                continue
        except (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError):
            raise
        except TimeoutError:
            problem = f"it was not loaded within {trial_s:.0f} seconds."
        except (TenorError, OSError) as error:
            problem = str(error)
        except BaseException as error:  # a panic in native code is no Exception
            problem = f"{type(error).__name__}: {error}"
        served.refused = version or "unknown"
        again_at = time.monotonic() + _REST * (time.monotonic() - begin)
        if told != (version, problem):
            told = version, problem
            log({"event": "not reloaded", "model": served.name, "version": version, "problem": problem})
            count(served.name, "refused")


def log_notes(served: ServedModel, log: Log) -> None:
    """Log what of a model is not used on this machine, and why."""
    for note in served.predictor.bundle.notes:
        log({"event": "not used", "model": served.name, "problem": note})


def _digest(folder: Path) -> str:
    """The digest of the folder; empty where there is none. What could be read for ever is not opened."""
    try:
        found = (folder / bundle.MANIFEST).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
        raise TenorError(f"{bundle.MANIFEST} is no file that a model could have.")
    return bundle.digest(folder)
