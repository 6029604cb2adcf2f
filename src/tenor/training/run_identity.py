"""What identifies a run, and what an earlier start of the same run left in its folder."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor._core.records import JsonMapping, JsonObject
from tenor.config import settings
from tenor.config.run_config import PretrainConfig, RunConfig
from tenor.data.fingerprint import fingerprint
from tenor.errors import BundleError
from tenor.inference import bundle
from tenor.inference.bundle import Bundle, EncoderBundle
from tenor.models.base import FamilyConfig
from tenor.models.family import Family
from tenor.training import output
from tenor.training.preparation import PreparedData

Identity = JsonObject
"""JSON values by name. A checkpoint or a model belongs to a run if all of them are equal."""


def identify(
    run: RunConfig,
    family: Family,
    config: FamilyConfig,
    encoder: EncoderBundle | None,
    prepared: PreparedData,
    digest: str | None = None,
) -> Identity:
    """The identity of a training run.

    Args:
        run: The run.
        family: Its family.
        config: The family's settings.
        encoder: The encoder that training starts from.
        prepared: The training texts.
        digest: Their fingerprint; None: it is computed.
    """
    more: JsonObject = {"task": prepared.task.to_dict(), "class_weight": run.class_weight}
    if not prepared.data.fields.is_single_text:
        more["fields"] = prepared.data.fields.to_dict()
    if prepared.character_map is not None:
        more["character_map"] = prepared.character_map.source
    if run.validation is not None:
        validation = prepared.validation
        more["validation"] = run.validation if validation is None else fingerprint(validation)
    more |= {name: value for name in ("folds", "unlabelled", "quantise") if (value := getattr(run, name))}
    return {**_common(run, family, config, encoder, digest or fingerprint(prepared.data)), **_plain(more)}


def identify_pretraining(
    run: PretrainConfig, family: Family, config: FamilyConfig, encoder: EncoderBundle | None, digest: str
) -> Identity:
    """The identity of a pretraining run; `digest` is the fingerprint of its texts."""
    return _common(run, family, config, encoder, digest)


def _common(
    run: RunConfig | PretrainConfig, family: Family, config: FamilyConfig, encoder: EncoderBundle | None, digest: str
) -> Identity:
    return _plain(
        {
            "family": family.name,
            "settings": settings.as_dict(config),
            "seed": run.seed,
            "data": digest,
            "init": encoder.fingerprint() if encoder else None,
        }
    )


def _plain(values: Identity) -> Identity:
    """The values as JSON gives them back: lists for tuples."""
    plain: Identity = json.loads(json.dumps(values))
    return plain


@dataclass(frozen=True)
class ExistingOutput:
    """What an earlier start of the same run left in its folder.

    Attributes:
        saved: The model, or the encoder.
        is_complete: Whether the run came to its end, so that nothing is left to do.
    """

    saved: Bundle | EncoderBundle
    is_complete: bool


def find_existing(
    run: RunConfig | PretrainConfig, folder: Path, identity: JsonMapping, callback: Callback
) -> tuple[Path, ExistingOutput | None]:
    """The folder of a run, and what it holds of this run.

    Args:
        run: The run.
        folder: The folder that it would write to.
        identity: The run's identity.
        callback: Receives a message if nothing is left to do.

    Returns:
        The folder, which is another one if an unnamed folder belongs to another run; and what was found there, None
        where the run does not resume or has nothing to resume from.

    Raises:
        BundleError: The folder that was named belongs to another run, or is damaged.
    """
    if not run.resume or run.overwrite or not output.has_model(folder):
        return folder, None
    saved = bundle.load(folder) if isinstance(run, RunConfig) else bundle.load_encoder(folder)
    try:
        is_complete = output.is_complete(folder, saved, identity)
    except BundleError:
        if run.out is not None:
            raise
        return output.output_folder(replace(run, resume=False)), None
    if is_complete:
        output.remove_checkpoints(output.training_folder(folder))  # left by a run that was killed at its end
        callback.on_message(tr("{folder}: output already exists and is complete; nothing to resume.", folder=folder))
    return folder, ExistingOutput(saved, is_complete)
