"""The saved model: a folder of JSON, CSV and safetensors with a manifest of sizes and SHA-256 hashes.

Nothing in it is executed. The manifest finds damage and mistakes; it cannot tell who wrote the folder, so everything
read is also checked against what it has to be.
"""

import contextlib
import csv
import hashlib
import io
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from tenor import files, models, settings, tasks
from tenor.errors import BundleError, SettingsError
from tenor.evaluation import calibration, conformal
from tenor.evaluation.calibration import Calibration
from tenor.evaluation.conformal import Conformal
from tenor.models import backend, blend, exported, runtimes
from tenor.models.family import Family, Model
from tenor.tasks import Task
from tenor.version import VERSION

FORMAT = 2
MANIFEST, ABOUT, ENCODER, WEIGHTS = "manifest.json", "tenor.json", "encoder.json", "weights.safetensors"
METRICS, HISTORY, STEPS = "metrics.json", "history.csv", "steps.csv"
REPORT, CARD = "report.html", "README.md"
_DOCUMENTS = (REPORT, CARD)
_FILES = {MANIFEST, ABOUT, ENCODER, WEIGHTS, METRICS, HISTORY, STEPS, *_DOCUMENTS}
_GRAPH = re.compile(rf"(\d+\.)?({re.escape(exported.FLOAT32)}|{re.escape(exported.INT8)})")  # numbered: of a blend
KIND = "encoder"
"""`kind` in the tenor.json of a pretrained encoder; that of a classifier has none."""
_SCORES = "conformal/"  # begins the names of arrays that are no weights

# What desktops put into a folder that is looked at; never read.
_OF_DESKTOPS = re.compile(r"\.DS_Store|\._.*|Thumbs\.db|desktop\.ini")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LARGEST_JSON = 256 << 20
_LARGEST_HEADER = 16 << 20


@dataclass(frozen=True)
class Bundle:
    """A trained model with all that is known of it.

    Attributes:
        family: Its family.
        config: The family's settings.
        task: What is predicted.
        model: The model.
        about: What else `tenor.json` holds: text column, seed, versions, fingerprint of the data.
        metrics: What `metrics.json` holds.
        history: Rows of `history.csv`.
        steps: Rows of `steps.csv`; none where no network was trained step by step.
        calibration: What makes the model's logits those of calibrated probabilities; None where there is nothing to.
        conformal: Scores that sets with a promised coverage come from; None where there are none.
        documents: What people read of it, by file name: `report.html` and `README.md`.
    """

    family: Family
    config: Any
    task: Task
    model: Model
    about: dict[str, Any]
    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    calibration: Calibration | None = None
    conformal: Conformal | None = None
    documents: Mapping[str, bytes] = field(default_factory=dict)
    steps: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Encoder:
    """A pretrained encoder, from which training may start.

    Attributes:
        family: Its family.
        config: The family's settings.
        text_encoder: What `encoder.json` holds.
        arrays: Its weights by name.
        about: What else `tenor.json` holds.
        metrics: What `metrics.json` holds.
        history: Rows of `history.csv`.
        steps: Rows of `steps.csv`.
    """

    family: Family
    config: Any
    text_encoder: dict[str, Any]
    arrays: Mapping[str, Any]
    about: dict[str, Any]
    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    documents: Mapping[str, bytes] = field(default_factory=dict)
    steps: Sequence[Mapping[str, Any]] = ()

    def fingerprint(self) -> str:
        """SHA-256 of the weights and of how texts become ids."""
        digest = hashlib.sha256(_json(self.text_encoder))
        for name in sorted(self.arrays):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(self.arrays[name]).data)
        return digest.hexdigest()


def save(bundle: Bundle, folder: Path, overwrite: bool = False) -> None:
    """Write the folder, whole or not at all.

    Raises:
        BundleError: There is something at `folder` and `overwrite` is off or it is no saved model, or it cannot be
            written (the disk is full, say); what is there is kept.
    """
    own: dict[str, Any] = {"task": bundle.task.describe()}
    if bundle.calibration is not None:
        own["calibration"] = bundle.calibration.describe()
    arrays = dict(bundle.model.arrays())
    if bundle.conformal is not None:
        arrays |= {_SCORES + name: getattr(bundle.conformal, name) for name in conformal.NAMES}
    _write(folder, bundle, own, bundle.model.encoder(), arrays, overwrite, bundle.model.graphs())


def save_encoder(encoder: Encoder, folder: Path, overwrite: bool = False) -> None:
    """Write the folder of an encoder, whole or not at all. Raises BundleError like `save`."""
    _write(folder, encoder, {"kind": KIND}, encoder.text_encoder, encoder.arrays, overwrite)


def _write(
    folder: Path,
    saved: Bundle | Encoder,
    own: dict[str, Any],
    encoder: dict[str, Any],
    arrays: Mapping[str, Any],
    overwrite: bool,
    graphs: Mapping[str, bytes] | None = None,
) -> None:
    check_target(folder, overwrite)
    about = {
        "format": FORMAT,
        "tenor": VERSION,
        "family": saved.family.name,
        "settings": settings.as_dict(saved.config),
        **own,
        **saved.about,
    }
    contents = {
        ABOUT: _json(about),
        ENCODER: _json(encoder),
        WEIGHTS: safetensors.save(dict(arrays)),
        METRICS: _json(saved.metrics),
        **saved.documents,
        **(graphs or {}),
    }
    for name, rows in ((HISTORY, saved.history), (STEPS, saved.steps)):
        if rows:
            contents[name] = _csv(rows)
    entries = {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in contents.items()}
    contents[MANIFEST] = _json({"format": FORMAT, "files": entries})
    try:
        files.write_folder(folder, contents, overwrite)
    except FileExistsError:
        check_target(folder, overwrite)
        raise
    except OSError as error:
        raise BundleError(
            f"{folder}: the model cannot be saved: {error.strerror or error}.",
            "Nothing was changed there. Free some space or choose another folder (--out).",
        ) from None


def version(folder: Path) -> str:
    """What changes when another model is put into the folder: 12 digits; empty where there is none."""
    try:
        return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()[:12]
    except (FileNotFoundError, NotADirectoryError):
        return ""


def has_graph(folder: Path) -> bool:
    """Whether a model's folder has a network as ONNX."""
    return any(_GRAPH.fullmatch(entry.name) for entry in folder.iterdir())


def check_target(folder: Path, overwrite: bool) -> None:
    """Refuse a folder that a model cannot be saved to: one that exists, unless it is a model to be overwritten."""
    if not os.path.lexists(folder):
        parent = next(above for above in folder.absolute().parents if above.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            raise BundleError(f"{folder}: no folder can be made in {parent}.", "Choose another folder (--out).")
        return
    if not overwrite:
        raise BundleError(
            f"{folder}: this exists already.",
            "Choose another folder (--out), or replace it (--overwrite, in Python overwrite=True).",
        )
    if not (folder / MANIFEST).is_file():
        raise BundleError(
            f"{folder}: this is no saved model, so it is not overwritten.", "Choose another folder (--out)."
        )
    others = sorted(
        entry.name for entry in folder.iterdir() if not (entry.name in _FILES or _GRAPH.fullmatch(entry.name))
    )
    if others := [name for name in others if not _OF_DESKTOPS.fullmatch(name)]:
        raise BundleError(
            f"{folder}: there is a file that is none of the model's: {others[0]!r}.",
            "Move it elsewhere, or choose another folder (--out).",
        )


def load(folder: Path) -> Bundle:
    """Read a saved model.

    Raises:
        BundleError: The folder is no saved model, is damaged or was changed, or was made by a newer Tenor.
        MissingExtraError: The packages of its family, or the runtime that is asked for, are not installed.
        SettingsError: There is no runtime of the name that is asked for.
    """
    runtimes.need()
    with _opened(folder) as (saved, graphs):
        if saved.about.pop("kind", None) == KIND:
            raise BundleError(
                f"{folder}: this is a pretrained encoder, not a classifier.",
                f"Train one from it with: tenor train DATA --family {saved.family.name} --init {folder}",
            )
        if "task" not in saved.about:  # format 1 knew single labels alone
            saved.about["task"] = {"kind": "multiclass", "labels": saved.about.pop("labels")}
        task = tasks.restore(saved.about.pop("task"))
        weights = {name: array for name, array in saved.arrays.items() if not name.startswith(_SCORES)}
        scores = {name.removeprefix(_SCORES): saved.arrays[name] for name in saved.arrays.keys() - weights.keys()}
        model = _restore(saved.family, saved.config, saved.text_encoder, weights, task, graphs)
        # Models that older versions saved have neither.
        described = saved.about.pop("calibration", None)
        calibrated = None if described is None else calibration.restore(described, task)
        conformed = conformal.restore(scores, task) if scores else None
    parts = saved.about, saved.metrics, saved.history, calibrated, conformed, saved.documents, saved.steps
    return Bundle(saved.family, saved.config, task, model, *parts)


def load_encoder(folder: Path) -> Encoder:
    """Read what `save_encoder` wrote. Raises BundleError where the folder is something else or is damaged."""
    with _opened(folder) as (saved, _):
        if saved.about.pop("kind", None) != KIND:
            raise BundleError(f"{folder}: this is no pretrained encoder.", "Make one with: tenor pretrain CORPUS")
    return saved


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[tuple[Encoder, dict[str, bytes]]]:
    """Read the files of a folder, an encoder's or a classifier's: `about` tells which, and has the latter's task. The
    second of the pair are its graphs.

    Contents that do not fit together, here or in the block, are told of as damage.
    """
    contents = _contents(folder)
    with _damage_told(folder):
        about = {key: value for key, value in json.loads(contents[ABOUT]).items() if key not in ("format", "tenor")}
        family = models.find(about.pop("family"))
        saved = Encoder(
            family,
            settings.make(family.config, _tuples(about.pop("settings")), ABOUT),
            json.loads(contents[ENCODER]),
            _arrays(contents[WEIGHTS]),
            about,
            json.loads(contents[METRICS]),
            _rows(contents, HISTORY),
            {name: contents[name] for name in _DOCUMENTS if name in contents},
            _rows(contents, STEPS),
        )
        yield saved, {name: contents[name] for name in contents if _GRAPH.fullmatch(name)}


def _rows(contents: Mapping[str, bytes], name: str) -> list[dict[str, Any]]:
    """The rows of a table, none where it is not there."""
    return list(csv.DictReader(io.StringIO(contents.get(name, b"").decode())))


def _contents(folder: Path) -> dict[str, bytes]:
    try:
        return _verified(folder)
    except OSError as error:
        raise BundleError(
            f"{folder}: the model cannot be read: {error.strerror or error}.", "If it was just replaced, try again."
        ) from None


@contextlib.contextmanager
def _damage_told(folder: Path) -> Iterator[None]:
    """Tell of contents that do not fit together."""
    try:
        yield
    except SettingsError as error:
        raise _damaged(folder, f"its contents do not fit together: {error.problem.rstrip('.')}") from error
    except (
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        RecursionError,
        SafetensorError,
    ) as error:
        raise _damaged(folder, f"its contents do not fit together: {type(error).__name__}: {error}") from error


def need(family: Family) -> None:
    """Refuse a family whose packages are not installed."""
    if family.build is not None:
        backend.need(f"the family {family.name!r}")


def _restore(
    family: Family, config: Any, encoder: dict[str, Any], arrays: Any, task: Task, graphs: dict[str, bytes]
) -> Model:
    if family.combine is not None:
        return blend.restore(encoder, arrays, task, graphs, _member)
    if family.restore is not None:
        return family.restore(config, encoder, arrays, task)
    if exported.FLOAT32 in graphs and runtimes.installed():
        return exported.restore(family, config, encoder, arrays, task, graphs)
    backend.load(f"the family {family.name!r}")
    from tenor.models import network

    return network.restore(family, config, encoder, arrays, task)


def _member(
    name: str, values: dict[str, Any], encoder: dict[str, Any], arrays: Any, task: Task, graphs: dict[str, bytes]
) -> tuple[Family, Any, Model]:
    """A model of a blend, with its family and settings."""
    family = models.find(name)
    if family.combine is not None:
        raise ValueError("a blend is part of a blend")
    config = settings.make(family.config, _tuples(values), ENCODER)
    return family, config, _restore(family, config, encoder, arrays, task, graphs)


def _verified(folder: Path) -> dict[str, bytes]:
    if not (folder / MANIFEST).is_file():
        raise BundleError(
            f"{folder}: this is no saved model: there is no {MANIFEST}.", "Give the folder that a model was saved to."
        )
    try:
        manifest = json.loads(_read(folder, MANIFEST))
        version, entries = manifest["format"], manifest["files"]
        listed = {str(name): (int(entry["size"]), str(entry["sha256"])) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _damaged(folder, f"{MANIFEST} cannot be read") from None
    if not isinstance(version, int) or version > FORMAT:
        raise BundleError(f"{folder}: this was saved by a newer Tenor (format {version}).", "Update Tenor.")
    for name in listed:
        if not _NAME.fullmatch(name) or _OF_DESKTOPS.fullmatch(name) or name == MANIFEST:
            raise _damaged(folder, f"{MANIFEST} names {name!r}, which is no file of a saved model")
    present = {entry.name for entry in folder.iterdir() if not _OF_DESKTOPS.fullmatch(entry.name)}
    for name in sorted(present - set(listed) - {MANIFEST}):
        raise BundleError(
            f"{folder}: there is a file that does not belong there: {name!r}.",
            "A saved model has no files but its own. If this one is yours, move it elsewhere.",
        )
    for name in sorted({*listed, ABOUT, ENCODER, WEIGHTS, METRICS} - present):
        raise _damaged(folder, f"{name} is missing")
    contents = {}
    for name, (size, sha256) in listed.items():
        data = _read(folder, name)
        if len(data) != size or hashlib.sha256(data).hexdigest() != sha256:
            raise _damaged(folder, f"{name} is not the file that was saved")
        contents[name] = data
    return contents


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise _damaged(folder, f"{name} is not a plain file")
    if not name.endswith((".safetensors", ".onnx")) and status.st_size > _LARGEST_JSON:
        raise _damaged(folder, f"{name} is {status.st_size:,} bytes long")
    return path.read_bytes()


def _arrays(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:8], "little")
    if length > min(_LARGEST_HEADER, len(data)):
        raise ValueError(f"{WEIGHTS} has a header of {length:,} bytes")
    return dict(safetensors.load(data))


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def _damaged(folder: Path, problem: str) -> BundleError:
    return BundleError(f"{folder}: {problem}.", "Do not use this model; copy or train it again.")


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def _csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()
