"""Writing a model's folder: whole, or not at all."""

import contextlib
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tenor._core import atomic, tensor_file
from tenor._core.language import tr
from tenor._core.records import JsonMapping, JsonObject
from tenor._core.version import VERSION
from tenor.config import settings
from tenor.data.io.parts import is_saved_model
from tenor.errors import BundleError
from tenor.evaluation import conformal
from tenor.inference.bundle.contents import Bundle, EncoderBundle
from tenor.inference.bundle.format import (
    CONFORMAL_PREFIX,
    ENCODER,
    ENCODER_KIND,
    FORMAT,
    FORMAT_WITH_SINGLE_TEXT,
    FORMAT_WITHOUT_GRAPHS,
    HISTORY,
    MANIFEST,
    METADATA,
    METRICS,
    STEPS,
    WEIGHTS,
    is_desktop_file,
    is_model_file,
    to_csv,
    to_json,
    values_of_member,
)
from tenor.models.base import Arrays
from tenor.models.ngram.weight_arrays import PAIR_WEIGHTS
from tenor.models.onnx import weights as onnx_weights
from tenor.models.onnx.probe import PROBE

Parts = Sequence[bytes | memoryview]
"""The contents of a file in parts that follow each other."""


def save(bundle: Bundle, folder: Path, overwrite: bool = False) -> None:
    """Write the folder of a model, whole or not at all.

    Args:
        bundle: The model.
        folder: The folder.
        overwrite: Replace an existing model.

    Raises:
        BundleError: There is something at `folder` and `overwrite` is off or it is not a saved model, or the folder
            cannot be written (the disk is full, say). An existing model is kept.
    """
    check_target(folder, overwrite)
    fields: JsonObject = {"task": bundle.task.to_dict()}
    if bundle.calibration is not None:
        fields["calibration"] = bundle.calibration.describe()
    if not bundle.fields.is_single_text:
        fields["fields"] = bundle.fields.to_dict()
    if bundle.character_map is not None:
        fields["character_map"] = bundle.character_map.to_dict()
    arrays = dict(bundle.model.arrays())
    if bundle.conformal is not None:
        arrays |= {CONFORMAL_PREFIX + name: getattr(bundle.conformal, name) for name in conformal.ARRAY_NAMES}
    graphs = bundle.model.graphs()
    number = _format_number(bundle, graphs, arrays)
    parts, places = tensor_file.write(arrays)
    contents: dict[str, Parts] = {
        METADATA: [to_json(_metadata(bundle, fields, number))],
        ENCODER: [to_json(bundle.model.encoder())],
        WEIGHTS: parts,
        **_metrics_and_documents(bundle),
        **{name: [_located(name, data, places)] for name, data in graphs.items()},
        **_tables(bundle),
    }
    _write(folder, contents, number, overwrite)


def save_encoder(encoder: EncoderBundle, folder: Path, overwrite: bool = False) -> None:
    """Write the folder of an encoder, whole or not at all. Raises BundleError like `save`."""
    check_target(folder, overwrite)
    parts, _ = tensor_file.write(encoder.arrays)
    contents: dict[str, Parts] = {
        METADATA: [to_json(_metadata(encoder, {"kind": ENCODER_KIND}, FORMAT_WITHOUT_GRAPHS))],
        ENCODER: [to_json(encoder.text_encoder)],
        WEIGHTS: parts,
        **_metrics_and_documents(encoder),
        **_tables(encoder),
    }
    _write(folder, contents, FORMAT_WITHOUT_GRAPHS, overwrite)


def check_target(folder: Path, overwrite: bool) -> None:
    """Refuse a folder that a model cannot be saved to: one that exists, unless it is a model to be overwritten.

    Raises:
        BundleError: The folder exists, is not a model, has other files, or cannot be made.
    """
    with contextlib.suppress(OSError):  # the checks below report a folder that cannot be written to
        atomic.recover(folder)
    if not os.path.lexists(folder):
        parent = next(above for above in folder.absolute().parents if above.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            raise BundleError(
                tr("{folder}: the folder cannot be created in {parent}.", folder=folder, parent=parent),
                tr("Choose another folder (`out=...`)."),
            )
        if is_saved_model(parent):
            raise BundleError(
                tr(
                    "{folder}: {parent} is a saved model, and further files would damage it.",
                    folder=folder,
                    parent=parent,
                ),
                tr("Choose another folder (`out=...`)."),
            )
        return
    if not overwrite:
        raise BundleError(
            tr("{folder}: this exists already.", folder=folder),
            tr("Choose another folder (`out=...`), or replace it (`overwrite=True`)."),
        )
    if not (folder / MANIFEST).is_file():
        raise BundleError(
            tr("{folder}: this is not a saved model, so it is not overwritten.", folder=folder),
            tr("Choose another folder (`out=...`)."),
        )
    names = sorted(entry.name for entry in folder.iterdir())
    foreign = [name for name in names if not (is_model_file(name) or is_desktop_file(name))]
    if foreign:
        raise BundleError(
            tr("{folder}: this file does not belong to the model: {foreign!r}.", folder=folder, foreign=foreign[0]),
            tr("Move it elsewhere, or choose another folder (`out=...`)."),
        )


def _format_number(bundle: Bundle, graphs: Mapping[str, bytes], arrays: Arrays) -> int:
    if not bundle.fields.is_single_text or bundle.character_map is not None or PAIR_WEIGHTS in arrays:
        return FORMAT
    return FORMAT_WITH_SINGLE_TEXT if graphs else FORMAT_WITHOUT_GRAPHS


def _metadata(saved: Bundle | EncoderBundle, fields: JsonMapping, number: int) -> JsonObject:
    """The contents of `tenor.json`; `fields` belong to classifiers or to encoders alone."""
    return {
        "format": number,
        "tenor": VERSION,
        "family": saved.family.name,
        "settings": settings.as_dict(saved.config),
        **fields,
        **saved.metadata,
    }


def _metrics_and_documents(saved: Bundle | EncoderBundle) -> dict[str, Parts]:
    documents: dict[str, Parts] = {name: [document] for name, document in saved.documents.items()}
    return {METRICS: [to_json(saved.metrics.as_dict())], **documents}


def _tables(saved: Bundle | EncoderBundle) -> dict[str, Parts]:
    tables = ((HISTORY, saved.history), (STEPS, saved.steps))
    return {name: [to_csv(rows)] for name, rows in tables if rows}


def _located(name: str, data: bytes, places: Mapping[str, tensor_file.Place]) -> bytes:
    """A graph that knows where its weights are in their file; a probe unchanged."""
    return data if name.endswith(PROBE) else onnx_weights.with_locations(data, values_of_member(name, places))


def _write(folder: Path, contents: Mapping[str, Parts], number: int, overwrite: bool) -> None:
    manifest = to_json({"format": number, "files": {name: _entry(parts) for name, parts in contents.items()}})
    try:
        atomic.atomic_write_dir(folder, {**contents, MANIFEST: [manifest]}, overwrite)
    except FileExistsError:
        check_target(folder, overwrite)
        raise
    except OSError as error:
        raise BundleError(
            tr("{folder}: the model cannot be saved: {strerror}.", folder=folder, strerror=error.strerror or error),
            tr("Nothing was changed there. Free some space or choose another folder (`out=...`)."),
        ) from None


def _entry(parts: Parts) -> dict[str, int | str]:
    """A file's size and hash, for the manifest."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return {"size": sum(map(len, parts)), "sha256": digest.hexdigest()}
