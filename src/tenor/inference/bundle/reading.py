"""Reading a model's folder: every value is checked before it is used."""

import contextlib
import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tenor import tasks
from tenor._core import records, tensor_file
from tenor._core.language import join_names, tr
from tenor._core.records import JsonObject, Record, RecordError
from tenor._core.tensor_file import Array, TensorFile
from tenor.config import settings
from tenor.data.fields import SINGLE_TEXT, Field, Fields
from tenor.errors import BundleError
from tenor.evaluation import calibration, conformal
from tenor.evaluation.calibration import Calibration
from tenor.inference.bundle import verified_files
from tenor.inference.bundle.contents import Bundle, EncoderBundle
from tenor.inference.bundle.damage import check_logits, reporting_damage
from tenor.inference.bundle.format import (
    CONFORMAL_PREFIX,
    DOCUMENTS,
    ENCODER,
    ENCODER_KIND,
    HISTORY,
    MANIFEST,
    METADATA,
    METRICS,
    STEPS,
    WEIGHTS,
    is_graph,
    values_of_member,
)
from tenor.inference.bundle.metrics_file import Metrics
from tenor.models import registry
from tenor.models.base import FamilyConfig
from tenor.models.family import Family, NetworkFamily, SavedModel
from tenor.models.neural import neural_model
from tenor.models.onnx import proof, runtimes
from tenor.models.onnx.loading import OnnxGraph
from tenor.models.onnx.probe import PROBE
from tenor.tasks import Task
from tenor.text import chinese
from tenor.text.chinese import CharacterMap

_ARRAY_TYPES = ("float32", "int32")
_MOST_COLUMNS = 1_000
_LONGEST_FIELD = 100_000  # characters of a table
_INPUTS = ("fields", "character_map")
_OWN_FIELDS = ("format", "tenor", "family", "settings", "kind", "task", "labels", "calibration", *_INPUTS)
_COLUMNS = ("text_column", "label_column", "label_separator")
_FIRST_TEXT = "a first text"


@dataclass(frozen=True)
class _Folder:
    """The parts that the folders of models and of encoders share, read and checked.

    Attributes:
        fields: The fields of `tenor.json`.
        family: The family.
        config: The family's settings.
        weights: The contents of `weights.safetensors`.
        encoder: The contents of `encoder.json`.
        metrics: The contents of `metrics.json`.
        history: Rows of `history.csv`.
        steps: Rows of `steps.csv`.
        documents: Files for people, by name.
        graphs: ONNX graphs and their probes by name.
        digest: SHA-256 of the manifest.
    """

    fields: Record
    family: Family
    config: FamilyConfig
    weights: TensorFile
    encoder: JsonObject
    metrics: Metrics
    history: list[dict[str, str]]
    steps: list[dict[str, str]]
    documents: dict[str, bytes]
    graphs: dict[str, bytes]
    digest: str

    @property
    def is_encoder(self) -> bool:
        """Whether this is a pretrained encoder, not a classifier."""
        return bool(self.fields.values.get("kind") == ENCODER_KIND)

    @property
    def metadata(self) -> JsonObject:
        """The fields of `tenor.json` that nothing else describes."""
        return {key: value for key, value in self.fields.values.items() if key not in _OWN_FIELDS}


def load(folder: Path, check_graphs: bool = True, expected_digest: str | None = None) -> Bundle:
    """Read a saved model.

    Args:
        folder: The model's folder.
        check_graphs: Compare its graphs with the logits that they gave where they were made, once on each machine,
            and make them ready to run.
        expected_digest: The digest that the folder must have; None: any.

    Raises:
        BundleError: The folder is not a saved model, is damaged or was changed, or was made by a newer Tenor. Or it
            has another digest than expected; then only hashes were looked at. Or its float32 graph gives other logits
            on this machine than the network that was saved.
        MissingExtraError: The packages of its family, or the requested runtime, are not installed.
        SettingsError: There is no runtime of the requested name.
    """
    runtimes.require_known_runtime()
    with _opened(folder, expected_digest) as saved:
        if saved.is_encoder:
            raise BundleError(
                tr("{folder}: this is a pretrained encoder, not a classifier.", folder=folder),
                tr(
                    "Train one from it with: tenor train DATA --family {name} --init {folder}",
                    name=saved.family.name,
                    folder=folder,
                ),
            )
        for key in _COLUMNS:
            if saved.fields.values.get(key) is not None:
                saved.fields.string(key)
        for key in ("missing_labels", "class_names"):
            if key in saved.fields.values:
                saved.fields.strings(key)
        if saved.fields.values.get("label_columns") is not None:
            saved.fields.strings("label_columns")
        task = _task(saved.fields)
        _check_graphs(saved, task)
        weights, scores = _without_scores(saved.weights.arrays)
        parts = SavedModel(saved.config, saved.encoder, weights, task, saved.graphs, registry.find)
        model = saved.family.restore(parts)
        model = proof.with_origin(model, folder, saved.digest)
        bundle = Bundle(
            family=saved.family,
            config=saved.config,
            task=task,
            model=model,
            metadata=saved.metadata,
            metrics=saved.metrics,
            history=saved.history,
            calibration=_calibration(saved.fields, task),
            conformal=conformal.restore(scores, task) if scores else None,
            documents=saved.documents,
            steps=saved.steps,
            notes=proof.prove(model) if check_graphs else (),
            digest=saved.digest,
            fields=_fields(saved.fields, saved.encoder),
            character_map=_character_map(saved.fields),
        )
        if check_graphs:
            check_logits(model.logits([_FIRST_TEXT]), 1, task)
    return bundle


def verify(folder: Path) -> list[proof.VerificationRow]:
    """Compare all graphs of a saved model with the logits that they gave where it was made, whatever is remembered.

    Raises:
        TenorError: What `load` raises, or there is nothing to compare with.
    """
    model = load(folder, check_graphs=False).model
    with reporting_damage(folder):
        return proof.verify(model)


def load_encoder(folder: Path) -> EncoderBundle:
    """Read what `save_encoder` wrote. Raises BundleError where the folder is something else or is damaged."""
    with _opened(folder) as saved:
        if not saved.is_encoder:
            raise BundleError(
                tr("{folder}: this is not a pretrained encoder.", folder=folder),
                tr("Make one with: tenor pretrain CORPUS"),
            )
        family = saved.family
        if not isinstance(family, NetworkFamily) or not family.structure:
            raise RecordError(METADATA, "family", tr("the family {name!r} has no encoder", name=family.name))
        neural_model.check_weights(family, saved.config, saved.weights.arrays, None)
        neural_model.restore_encoder(family, saved.config, saved.encoder)
    return EncoderBundle(
        family=saved.family,
        config=saved.config,
        text_encoder=saved.encoder,
        arrays=saved.weights.arrays,
        metadata=saved.metadata,
        metrics=saved.metrics,
        history=saved.history,
        documents=saved.documents,
        steps=saved.steps,
    )


@contextlib.contextmanager
def _opened(folder: Path, expected_digest: str | None = None) -> Iterator[_Folder]:
    """Read a folder. Contents that do not fit together, here or in the block, raise BundleError."""
    contents = verified_files.read(folder)
    digest = hashlib.sha256(contents[MANIFEST]).hexdigest()
    if expected_digest not in (None, digest):
        raise BundleError(tr("{folder}: another model was put there meanwhile.", folder=folder), tr("Try again."))
    with reporting_damage(folder):
        fields = records.parse(contents[METADATA], METADATA)
        family = registry.find(fields.string("family"))
        saved = _Folder(
            fields=fields,
            family=family,
            config=settings.restore(
                family.config, fields.record("settings").values, tr("{metadata}, settings", metadata=METADATA)
            ),
            weights=_read_weights(contents[WEIGHTS]),
            encoder=records.parse(contents[ENCODER], ENCODER).values,
            metrics=Metrics.from_record(records.parse(contents[METRICS], METRICS)),
            history=_read_table(contents, HISTORY),
            steps=_read_table(contents, STEPS),
            documents={name: contents[name] for name in DOCUMENTS if name in contents},
            graphs={name: contents[name] for name in contents if is_graph(name)},
            digest=digest,
        )
        del contents  # frees what is no longer needed
        yield saved


def _task(fields: Record) -> Task:
    if "task" not in fields.values:  # format 1 had single labels only
        return tasks.from_dict({"kind": "multiclass", "labels": fields.strings("labels")})
    return tasks.from_dict(fields.record("task").values)


def _fields(metadata: Record, encoder: JsonObject) -> Fields:
    """The columns that the model reads. Only a model with more than one has them in `tenor.json`.

    Args:
        metadata: The contents of `tenor.json`.
        encoder: The contents of `encoder.json`, whose values were checked.

    Raises:
        RecordError: There is just one column, or the model encodes other columns.
    """
    encoded = [member["encoder"].get("fields") for member in encoder.get("members", [{"encoder": encoder}])]
    stored = metadata.values.get("fields")
    fields = SINGLE_TEXT if stored is None else Fields.from_record(metadata.record("fields"))
    if stored is not None and fields.is_single_text:
        raise metadata.error("fields", tr("there must be more than one column"))
    if any(each != stored for each in encoded):
        raise metadata.error("fields", tr("they are not those of {encoder}", encoder=ENCODER))
    name = metadata.values.get("text_column")
    return fields if stored is not None or name is None else Fields((Field(name),))


def _character_map(fields: Record) -> CharacterMap | None:
    """Characters that the model reads as others; None in folders of older versions, which had none."""
    if fields.values.get("character_map") is None:
        return None
    return chinese.restore(fields.record("character_map"))


def _calibration(fields: Record, task: Task) -> Calibration | None:
    """The calibration; None in folders of older versions, which had none."""
    if fields.values.get("calibration") is None:
        return None
    return calibration.restore(fields.record("calibration").values, task)


def _without_scores(arrays: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Weights, and conformal scores, by their names."""
    weights = {name: array for name, array in arrays.items() if not name.startswith(CONFORMAL_PREFIX)}
    scores = {name.removeprefix(CONFORMAL_PREFIX): arrays[name] for name in arrays.keys() - weights.keys()}
    return weights, scores


def _check_graphs(saved: _Folder, task: Task) -> None:
    """Check that every graph is one that Tenor writes, and belongs to these weights. Raises GraphError."""
    for name, data in saved.graphs.items():
        if not name.endswith(PROBE):
            arrays = values_of_member(name, saved.weights.arrays)
            OnnxGraph(name, data, arrays, task.n_outputs).check(values_of_member(name, saved.weights.places))


def _read_weights(data: bytes) -> TensorFile:
    """The arrays. Raises ValueError where one has a type that Tenor does not write, or is not finite."""
    stored = tensor_file.read(data)
    for name, array in stored.arrays.items():
        if array.dtype not in _ARRAY_TYPES:
            known = join_names(_ARRAY_TYPES)
            raise RecordError(
                WEIGHTS, f"{name}.dtype", tr("'{dtype}' is not known; known: {known}", dtype=array.dtype, known=known)
            )
        # Summing is faster than looking at each value. A finite sum means finite values, but not the reverse.
        with np.errstate(all="ignore"):
            finite = np.isfinite(array.sum(dtype=array.dtype))
        if not finite and not np.isfinite(array).all():
            raise RecordError(WEIGHTS, name, tr("it has values that are not finite"))
    return stored


def _read_table(contents: Mapping[str, bytes], name: str) -> list[dict[str, str]]:
    """The rows of a table; none where the file is missing. Raises RecordError where a row has other columns."""
    reader = csv.reader(io.StringIO(_decode(contents.get(name, b""), name), newline=""), strict=True)
    rows: list[dict[str, str]] = []
    try:
        header = next(reader, [])
        if len(set(header)) < len(header) or len(header) > _MOST_COLUMNS:
            raise RecordError(name, "", tr("a column occurs twice, or there are too many"))
        for number, row in enumerate(reader, 1):
            if max(map(len, row), default=0) > _LONGEST_FIELD:
                raise RecordError(
                    name,
                    tr("row {number:,}", number=number),
                    tr("a field is longer than {longest_field:,} characters", longest_field=_LONGEST_FIELD),
                )
            if len(row) != len(header):
                raise RecordError(
                    name,
                    tr("row {number:,}", number=number),
                    tr("it has {n_row:,} fields, and there are {n_header:,}", n_row=len(row), n_header=len(header)),
                )
            rows.append(dict(zip(header, row, strict=True)))
    except csv.Error as error:
        raise RecordError(name, tr("row {n_rows:,}", n_rows=len(rows) + 1), str(error)) from None
    return rows


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(name, "", tr("it is not UTF-8 (byte {start:,})", start=error.start)) from None
