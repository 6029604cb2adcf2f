"""A new version of a model replaces the old one after a trial. The server keeps running even if that fails."""

import asyncio
import stat
import time
from collections.abc import Callable
from pathlib import Path

from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor.errors import TenorError
from tenor.inference import bundle
from tenor.serving import trial
from tenor.serving.served_model import ServedModel

_RETRY_AFTER = 10
"""A refused version is tried again after this many times the duration of its trial: the disk may have failed."""
_MAX_MANIFEST_BYTES = 256 << 20

Log = Callable[[JsonObject], None]
"""Called with an event for the log: values for JSON by name."""
OnReload = Callable[[str, str], None]
"""Called with the name of a model, and `taken` or `refused`."""


async def watch(model: ServedModel, interval_s: float, trial_timeout_s: float, log: Log, on_reload: OnReload) -> None:
    """Check regularly whether a model's folder has a new version. Requests are answered meanwhile.

    Args:
        model: The model.
        interval_s: Seconds between two checks.
        trial_timeout_s: Seconds of processor time in which a new version has to load and predict.
        log: Called with every change.
        on_reload: Called with every change, too.
    """
    retry_at = 0.0
    logged: tuple[str | None, str] | None = None
    while True:
        await asyncio.sleep(interval_s)
        version: str | None = None
        problem: str | None = None
        started_at = time.monotonic()
        try:
            digest = await asyncio.to_thread(_digest, model.folder)
            version = bundle.short_version(digest)
            if digest in ("", model.predictor.bundle.digest):
                model.refused = None
                continue
            if version == model.refused and started_at < retry_at:
                continue
            problem = await trial.try_model(model.folder, digest, trial_timeout_s)
            if problem is None:
                await model.reload(digest, trial_timeout_s)
                log({"event": "reloaded", "model": model.name, "version": model.version})
                log_notes(model, log)
                on_reload(model.name, "taken")
                logged = None
                continue
        except (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError):
            raise
        except TimeoutError:
            problem = tr("it was not loaded within {trial_timeout_s:.0f} seconds.", trial_timeout_s=trial_timeout_s)
        except (TenorError, OSError) as error:
            problem = str(error)
        except BaseException as error:  # a panic in native code is not an Exception
            problem = f"{type(error).__name__}: {error}"
        model.refused = version or "unknown"
        retry_at = time.monotonic() + _RETRY_AFTER * (time.monotonic() - started_at)
        if logged != (version, problem):
            logged = version, problem
            log({"event": "not reloaded", "model": model.name, "version": version, "problem": problem})
            on_reload(model.name, "refused")


def log_notes(model: ServedModel, log: Log) -> None:
    """Log the parts of a model that are not used on this machine, and why."""
    for note in model.predictor.bundle.notes:
        log({"event": "not used", "model": model.name, "problem": note})


def _digest(folder: Path) -> str:
    """The digest of the folder; empty if there is none. A manifest that never ends is not read."""
    try:
        status = (folder / bundle.MANIFEST).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_MANIFEST_BYTES:
        raise TenorError(tr("{manifest} is not a file that a model can have.", manifest=bundle.MANIFEST))
    return bundle.digest(folder)
