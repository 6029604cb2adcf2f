"""The saved model: a folder of JSON, CSV and safetensors with a manifest of sizes and SHA-256 hashes.

Nothing in it is executed. The manifest finds damage and mistakes; it cannot tell who wrote the folder, so everything
read is also checked against what it has to be: each field of JSON (`records`), each array by name, shape and value, and
what the model says of a first text.
"""

import contextlib
import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from tenor import tasks
from tenor._core import atomic, records, regular_files, tensor_file
from tenor._core.records import Record, RecordError
from tenor._core.regular_files import IrregularFileError
from tenor._core.tensor_file import TensorFile
from tenor._core.version import VERSION
from tenor.config import settings
from tenor.errors import BundleError, SettingsError
from tenor.evaluation import calibration, conformal
from tenor.evaluation.calibration import Calibration
from tenor.evaluation.conformal import Conformal
from tenor.models import registry
from tenor.models.base import Model
from tenor.models.family import Family, NetworkFamily, SavedModel
from tenor.models.neural import neural_model
from tenor.models.onnx import onnx_network, proof, runtimes
from tenor.models.onnx import weights as onnx_weights
from tenor.models.onnx.loading import OnnxGraph
from tenor.models.onnx.probe import PROBE
from tenor.models.onnx.protobuf import GraphError
from tenor.tasks import Task

FORMAT = 3
"""The newest format, whose graphs refer to `weights.safetensors`. Folders without graphs have the one before."""
_WITHOUT_GRAPHS = 2
MANIFEST, METADATA, ENCODER, WEIGHTS = "manifest.json", "tenor.json", "encoder.json", tensor_file.FILE
METRICS, HISTORY, STEPS = "metrics.json", "history.csv", "steps.csv"
REPORT, MODEL_CARD = "report.html", "README.md"
_DOCUMENTS = (REPORT, MODEL_CARD)
_FILES = {MANIFEST, METADATA, ENCODER, WEIGHTS, METRICS, HISTORY, STEPS, *_DOCUMENTS}
_GRAPH_FILES = "|".join(map(re.escape, (onnx_network.FLOAT32, onnx_network.INT8, PROBE)))
_GRAPH = re.compile(rf"(\d+\.)?({_GRAPH_FILES})")  # numbered: of a blend
ENCODER_KIND = "encoder"
"""`kind` in the tenor.json of a pretrained encoder; that of a classifier has none."""
_SCORES = "conformal/"  # begins the names of arrays that are no weights

# What desktops put into a folder that is looked at; never read.
_OF_DESKTOPS = re.compile(r"\.DS_Store|\._.*|Thumbs\.db|desktop\.ini")
_LARGEST_TEXT, _LARGEST_BINARY, _LARGEST_FOLDER = 256 << 20, 16 << 30, 32 << 30
_TYPES = ("float32", "int32")  # of arrays
_MOST_COLUMNS = 1_000
_LONGEST_FIELD = 100_000  # characters of a table
_READ_HERE = ("format", "tenor", "family", "settings")
_COLUMNS = ("text_column", "label_column", "label_separator")
_LONGEST_PROBLEM = 300  # characters
_VERSION = 12  # digits
_FIRST_TEXT = "a first text"
_LARGEST_LOGIT = 1e30  # twice as much, or its square, is told from infinity no more


@dataclass(frozen=True)
class Bundle:
    """A trained model with all that is known of it.

    Attributes:
        family: Its family.
        config: The family's settings.
        task: What is predicted.
        model: The model.
        metadata: What else `tenor.json` holds: text column, seed, versions, fingerprint of the data.
        metrics: What `metrics.json` holds.
        history: Rows of `history.csv`.
        steps: Rows of `steps.csv`; none where no network was trained step by step.
        calibration: What makes the model's logits those of calibrated probabilities; None where there is nothing to.
        conformal: Scores that sets with a promised coverage come from; None where there are none.
        documents: What people read of it, by file name: `report.html` and `README.md`.
        notes: What of it is not used on this machine, and why; none is saved.
        digest: What `digest` says of the folder that was read; empty where the model was not read from one.
    """

    family: Family
    config: Any
    task: Task
    model: Model
    metadata: dict[str, Any]
    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    calibration: Calibration | None = None
    conformal: Conformal | None = None
    documents: Mapping[str, bytes] = field(default_factory=dict)
    steps: Sequence[Mapping[str, Any]] = ()
    notes: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class Encoder:
    """A pretrained encoder, from which training may start.

    Attributes:
        family: Its family.
        config: The family's settings.
        text_encoder: What `encoder.json` holds.
        arrays: Its weights by name.
        metadata: What else `tenor.json` holds.
        metrics: What `metrics.json` holds.
        history: Rows of `history.csv`.
        steps: Rows of `steps.csv`.
    """

    family: Family
    config: Any
    text_encoder: dict[str, Any]
    arrays: Mapping[str, Any]
    metadata: dict[str, Any]
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
    own: dict[str, Any] = {"task": bundle.task.to_dict()}
    if bundle.calibration is not None:
        own["calibration"] = bundle.calibration.describe()
    arrays = dict(bundle.model.arrays())
    if bundle.conformal is not None:
        arrays |= {_SCORES + name: getattr(bundle.conformal, name) for name in conformal.ARRAY_NAMES}
    _write(folder, bundle, own, bundle.model.encoder(), arrays, overwrite, bundle.model.graphs())


def save_encoder(encoder: Encoder, folder: Path, overwrite: bool = False) -> None:
    """Write the folder of an encoder, whole or not at all. Raises BundleError like `save`."""
    _write(folder, encoder, {"kind": ENCODER_KIND}, encoder.text_encoder, encoder.arrays, overwrite)


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
    form = FORMAT if graphs else _WITHOUT_GRAPHS
    about = {
        "format": form,
        "tenor": VERSION,
        "family": saved.family.name,
        "settings": settings.as_dict(saved.config),
        **own,
        **saved.metadata,
    }
    weights, places = tensor_file.write(arrays)
    contents: dict[str, bytes | list[bytes | memoryview]] = {
        METADATA: _json(about),
        ENCODER: _json(encoder),
        WEIGHTS: weights,
        METRICS: _json(saved.metrics),
        **saved.documents,
    }
    if graphs:
        for name, data in graphs.items():
            contents[name] = (
                data if name.endswith(PROBE) else onnx_weights.with_locations(data, _of_member(name, places))
            )
    for name, rows in ((HISTORY, saved.history), (STEPS, saved.steps)):
        if rows:
            contents[name] = _csv(rows)
    entries = {name: _entry([data] if isinstance(data, bytes) else data) for name, data in contents.items()}
    contents[MANIFEST] = _json({"format": form, "files": entries})
    try:
        atomic.atomic_write_dir(folder, contents, overwrite)
    except FileExistsError:
        check_target(folder, overwrite)
        raise
    except OSError as error:
        raise BundleError(
            f"{folder}: the model cannot be saved: {error.strerror or error}.",
            "Nothing was changed there. Free some space or choose another folder (`out=...`).",
        ) from None


def _entry(parts: Sequence[bytes | memoryview]) -> dict[str, Any]:
    """What the manifest says of a file."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return {"size": sum(map(len, parts)), "sha256": digest.hexdigest()}


def digest(folder: Path) -> str:
    """SHA-256 of the manifest, which stands for the whole folder; empty where there is none."""
    try:
        return hashlib.sha256(regular_files.read(atomic.present(folder) / MANIFEST, _LARGEST_TEXT)).hexdigest()
    except (FileNotFoundError, NotADirectoryError, IrregularFileError):
        return ""


def version(folder: Path) -> str:
    """What changes when another model is put into the folder: 12 digits; empty where there is none."""
    return short_version(digest(folder))


def short_version(digest: str) -> str:
    """The version, as people see it, of a digest: its first digits. Two folders can be made to have the same."""
    return digest[:_VERSION]


def has_onnx_graph(folder: Path) -> bool:
    """Whether a model's folder has a network as ONNX."""
    return any(_GRAPH.fullmatch(entry.name) for entry in atomic.present(folder).iterdir())


def check_target(folder: Path, overwrite: bool) -> None:
    """Refuse a folder that a model cannot be saved to: one that exists, unless it is a model to be overwritten."""
    with contextlib.suppress(OSError):  # of a folder that cannot be written to, what follows tells
        atomic.recover(folder)
    if not os.path.lexists(folder):
        parent = next(above for above in folder.absolute().parents if above.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            raise BundleError(f"{folder}: no folder can be made in {parent}.", "Choose another folder (`out=...`).")
        return
    if not overwrite:
        raise BundleError(
            f"{folder}: this exists already.",
            "Choose another folder (`out=...`), or replace it (`overwrite=True`).",
        )
    if not (folder / MANIFEST).is_file():
        raise BundleError(
            f"{folder}: this is no saved model, so it is not overwritten.", "Choose another folder (`out=...`)."
        )
    others = sorted(
        entry.name for entry in folder.iterdir() if not (entry.name in _FILES or _GRAPH.fullmatch(entry.name))
    )
    if others := [name for name in others if not _OF_DESKTOPS.fullmatch(name)]:
        raise BundleError(
            f"{folder}: there is a file that is none of the model's: {others[0]!r}.",
            "Move it elsewhere, or choose another folder (`out=...`).",
        )


def load(folder: Path, check_graphs: bool = True, expected_digest: str | None = None) -> Bundle:
    """Read a saved model.

    Args:
        folder: Its folder.
        check_graphs: Compare its graphs with what they gave where it was made, once on a machine, and make them ready.
        expected_digest: The digest that the folder has to have; None: any.

    Raises:
        BundleError: The folder is no saved model, is damaged or was changed, or was made by a newer Tenor; it has
            another digest than the expected one, in which case nothing but hashes was looked at; or its
            float32 graph gives something else on this machine than the network that was saved.
        MissingExtraError: The packages of its family, or the runtime that is asked for, are not installed.
        SettingsError: There is no runtime of the name that is asked for.
    """
    runtimes.require_known_runtime()
    with _opened(folder, expected_digest) as (saved, stored, graphs, manifest):
        if saved.metadata.pop("kind", None) == ENCODER_KIND:
            raise BundleError(
                f"{folder}: this is a pretrained encoder, not a classifier.",
                f"Train one from it with: tenor train DATA --family {saved.family.name} --init {folder}",
            )
        about = Record(saved.metadata, METADATA)
        for key in _COLUMNS:
            if saved.metadata.get(key) is not None:
                about.text(key)
        if "task" not in saved.metadata:  # format 1 knew single labels alone
            saved.metadata["task"] = {"kind": "multiclass", "labels": about.texts("labels")}
            del saved.metadata["labels"]
        task = tasks.from_dict(about.record("task").values)
        for name, data in graphs.items():
            if name.endswith(PROBE):
                continue
            places = _of_member(name, stored.places)
            OnnxGraph(name, data, _of_member(name, stored.arrays), task.n_outputs).check(places)
        weights = {name: array for name, array in saved.arrays.items() if not name.startswith(_SCORES)}
        scores = {name.removeprefix(_SCORES): saved.arrays[name] for name in saved.arrays.keys() - weights.keys()}
        # Models that older versions saved have neither.
        described = about.record("calibration").values if saved.metadata.get("calibration") is not None else None
        calibrated = None if described is None else calibration.restore(described, task)
        conformed = conformal.restore(scores, task) if scores else None
        model = saved.family.restore(SavedModel(saved.config, saved.text_encoder, weights, task, graphs, registry.find))
        model = proof.with_origin(model, folder, manifest)
        notes: tuple[str, ...] = ()
        if check_graphs:
            notes = proof.prove(model)
            check_logits(model.logits([_FIRST_TEXT]), 1, task)
        for key in ("task", "calibration"):
            saved.metadata.pop(key, None)
    parts = saved.metadata, saved.metrics, saved.history, calibrated, conformed, saved.documents, saved.steps, notes
    return Bundle(saved.family, saved.config, task, model, *parts, digest=manifest)


def verify(folder: Path) -> list[proof.VerificationRow]:
    """Compare all graphs of a saved model with what they gave where it was made, whatever was found before.

    Raises:
        TenorError: What `load` raises, or there is nothing to compare with.
    """
    model = load(folder, check_graphs=False).model
    with _damage_told(folder):
        return proof.verify(model)


def load_encoder(folder: Path) -> Encoder:
    """Read what `save_encoder` wrote. Raises BundleError where the folder is something else or is damaged."""
    with _opened(folder) as (saved, *_):
        if saved.metadata.pop("kind", None) != ENCODER_KIND:
            raise BundleError(f"{folder}: this is no pretrained encoder.", "Make one with: tenor pretrain CORPUS")
        family = saved.family
        if not isinstance(family, NetworkFamily) or not family.structure:
            raise RecordError(METADATA, "family", f"the family {family.name!r} has no encoder")
        neural_model.check_weights(family, saved.config, saved.arrays, None)
        neural_model.restore_encoder(family, saved.config, saved.text_encoder)
    return saved


def check_logits(logits: Any, texts: int, task: Task) -> None:
    """Refuse what a model says where it is no finite number for each output of each text.

    Finite weights may give others, where they are very large.

    Raises:
        BundleError: It is not.
    """
    if logits.shape != (texts, task.n_outputs):
        problem = f"the model says {logits.shape} of {texts:,} texts, and its task has {task.n_outputs:,} outputs"
    elif not (np.abs(logits) < _LARGEST_LOGIT).all() or (
        not task.has_labels and not np.isfinite(task.scores(logits)).all()
    ):
        problem = f"{WEIGHTS}: what the model says of a text is no finite number"
    else:
        return
    raise BundleError(f"{problem}.", "Do not use this model; copy or train it again.")


@contextlib.contextmanager
def _opened(folder: Path, expected: str | None = None) -> Iterator[tuple[Encoder, TensorFile, dict[str, bytes], str]]:
    """Read the files of a folder, an encoder's or a classifier's: `about` tells which, and has the latter's task. With
    it come the contents of `weights.safetensors`, the graphs and probes, and the SHA-256 of the manifest.

    Contents that do not fit together, here or in the block, are told of as damage.
    """
    contents = _contents(atomic.present(folder))
    manifest = hashlib.sha256(contents[MANIFEST]).hexdigest()
    if expected not in (None, manifest):
        raise BundleError(f"{folder}: another model was put there meanwhile.", "Try again.")
    with _damage_told(folder):
        about = records.parse(contents[METADATA], METADATA)
        family = registry.find(about.text("family"))
        others = {key: value for key, value in about.values.items() if key not in _READ_HERE}
        stored = _weights(contents[WEIGHTS])
        saved = Encoder(
            family,
            settings.restore(family.config, about.record("settings").values, f"{METADATA}, settings"),
            records.parse(contents[ENCODER], ENCODER).values,
            stored.arrays,
            others,
            records.parse(contents[METRICS], METRICS).values,
            _rows(contents, HISTORY),
            {name: contents[name] for name in _DOCUMENTS if name in contents},
            _rows(contents, STEPS),
        )
        graphs = {name: contents[name] for name in contents if _GRAPH.fullmatch(name)}
        del contents  # what is not needed any more is freed
        yield saved, stored, graphs, manifest


def _of_member(graph: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What belongs to a graph, by its own names: in a blend the names of arrays begin with the number of the model."""
    number = graph.partition(".")[0]
    prefix = f"{number}/" if number.isdecimal() else ""
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


def _rows(contents: Mapping[str, bytes], name: str) -> list[dict[str, Any]]:
    """The rows of a table, none where it is not there. Raises RecordError where a row has other columns."""
    rows = csv.reader(io.StringIO(_text(contents.get(name, b""), name), newline=""), strict=True)
    found: list[dict[str, Any]] = []
    try:
        header = next(rows, [])
        if len(set(header)) < len(header) or len(header) > _MOST_COLUMNS:
            raise RecordError(name, "", "a column stands there twice, or there are too many")
        for number, row in enumerate(rows, 1):
            if max(map(len, row), default=0) > _LONGEST_FIELD:
                raise RecordError(name, f"row {number:,}", f"a field is longer than {_LONGEST_FIELD:,} characters")
            if len(row) != len(header):
                raise RecordError(name, f"row {number:,}", f"it has {len(row):,} fields, and there are {len(header):,}")
            found.append(dict(zip(header, row, strict=True)))
    except csv.Error as error:
        raise RecordError(name, f"row {len(found) + 1:,}", str(error)) from None
    return found


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(name, "", f"it is not UTF-8 (byte {error.start:,})") from None


def _contents(folder: Path) -> dict[str, bytes]:
    try:
        return _verified(folder)
    except OSError as error:
        raise BundleError(
            f"{folder}: the model cannot be read: {error.strerror or error}.", "If it was just replaced, try again."
        ) from None


@contextlib.contextmanager
def _damage_told(folder: Path) -> Iterator[None]:
    """Tell of contents that do not fit together.

    What is read is checked field by field, and tells of what is wrong by a ValueError. Anything else but too little
    memory is a fault of Tenor's, and stays as it is.
    """
    try:
        yield
    except GraphError as error:
        raise _damaged(folder, str(error)) from error
    except BundleError as error:
        if str(folder) in error.problem:
            raise
        raise _damaged(folder, f"its contents do not fit together: {_short(error.problem)}") from error
    except SettingsError as error:
        raise _damaged(folder, f"its contents do not fit together: {_short(error.problem)}") from error
    except (ValueError, SafetensorError) as error:
        raise _damaged(folder, f"its contents do not fit together: {_short(str(error))}") from error
    except MemoryError as error:
        raise _damaged(folder, "it takes more memory than there is") from error


def _short(problem: str) -> str:
    """The first line of what is wrong; a file may make it as long as it likes."""
    line = problem.strip().partition("\n")[0].rstrip(".")
    return line if len(line) <= _LONGEST_PROBLEM else line[:_LONGEST_PROBLEM] + "..."


def _verified(folder: Path) -> dict[str, bytes]:
    if not folder.exists():
        raise BundleError(f"{folder}: there is no such folder.", "Give the folder that a model was saved to.")
    if not (folder / MANIFEST).is_file():
        raise BundleError(
            f"{folder}: this is no saved model: there is no {MANIFEST}.", "Give the folder that a model was saved to."
        )
    contents = {MANIFEST: _read(folder, MANIFEST, None)}
    try:
        manifest = records.parse(contents[MANIFEST], MANIFEST)
        version, entries = manifest.whole("format", 1, 1 << 31), manifest.record("files")
        files_of = {name: entries.record(name) for name in entries.values}
        listed = {name: (entry.whole("size", 0, 1 << 62), entry.text("sha256", 64)) for name, entry in files_of.items()}
    except RecordError as error:
        raise _damaged(folder, f"{MANIFEST} cannot be read: {_short(str(error))}") from None
    if version > FORMAT:
        raise BundleError(f"{folder}: this was saved by a newer Tenor (format {version}).", "Update Tenor.")
    for name in listed:
        if not (name in _FILES or _GRAPH.fullmatch(name)) or name == MANIFEST:
            raise _damaged(folder, f"{MANIFEST} names {name[:100]!r}, which is no file of a saved model")
    if (total := sum(size for size, _ in listed.values())) > _LARGEST_FOLDER:
        raise _damaged(folder, f"its files have {total:,} bytes, and {_LARGEST_FOLDER:,} are allowed")
    present = {entry.name for entry in folder.iterdir() if not _OF_DESKTOPS.fullmatch(entry.name)}
    for name in sorted(present - set(listed) - {MANIFEST}):
        raise BundleError(
            f"{folder}: there is a file that does not belong there: {name!r}.",
            "A saved model has no files but its own. If this one is yours, move it elsewhere.",
        )
    for name in sorted({*listed, METADATA, ENCODER, WEIGHTS, METRICS} - present):
        raise _damaged(folder, f"{name} is missing")
    for name, (size, sha256) in listed.items():
        data = _read(folder, name, size)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise _damaged(folder, f"{name} is not the file that was saved")
        contents[name] = data
    return contents


def _read(folder: Path, name: str, size: int | None) -> bytes:
    """The bytes of a file, which has to have this size; None: any."""
    most = _LARGEST_BINARY if name.endswith((".safetensors", ".onnx")) else _LARGEST_TEXT
    try:
        return regular_files.read(folder / name, most, size)
    except IrregularFileError as error:
        raise _damaged(folder, f"{name} {error}") from None
    except MemoryError:
        raise _damaged(folder, f"{name} is larger than the memory that there is") from None


def _weights(data: bytes) -> TensorFile:
    """The arrays. Raises ValueError where one is of another type than they can be, or is not finite."""
    stored = tensor_file.read(data)
    for name, array in stored.arrays.items():
        if array.dtype not in _TYPES:
            raise RecordError(WEIGHTS, f"{name}.dtype", f"'{array.dtype}' is not known; known: {', '.join(_TYPES)}")
        # A sum is quicker than looking at each, and it is not finite where one of them is not; but not the reverse.
        with np.errstate(all="ignore"):
            finite = np.isfinite(array.sum(dtype=array.dtype))
        if not finite and not np.isfinite(array).all():
            raise RecordError(WEIGHTS, name, "it has values that are not finite")
    return stored


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
