"""What a run needs before it reads its texts: settings, an encoder to start from, and checkpoints."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor.config import settings
from tenor.config.run_config import PretrainConfig, RunConfig
from tenor.errors import SettingsError
from tenor.inference import bundle
from tenor.inference.bundle import EncoderBundle
from tenor.models.base import FamilyConfig
from tenor.models.context import Checkpoints
from tenor.models.family import Family
from tenor.models.neural import backend
from tenor.text import encoders
from tenor.training import output

if TYPE_CHECKING:
    from tenor.models.neural.network import PretrainedWeights

_Run = TypeVar("_Run", RunConfig, PretrainConfig)
_NOT_COMPARED = ("settings", "log", "out", "lang", "report")
"""Options that do not change the model."""


def with_current_names(run: _Run, family: Family) -> _Run:
    """The run with its settings by the names of today; warns of former names."""
    if not run.settings:
        return run
    return replace(run, settings=family.current_settings(run.settings))


def load_init(folder: str | None, family: Family) -> EncoderBundle | None:
    """The encoder that training starts from. Raises SettingsError where it belongs to another family."""
    if folder is None:
        return None
    encoder = bundle.load_encoder(Path(folder))
    if encoder.family.name != family.name:
        raise SettingsError(
            tr(
                "{folder}: this is an encoder of the family {family!r}, not {expected!r}.",
                folder=folder,
                family=encoder.family.name,
                expected=family.name,
            ),
            tr("Train with `family={name!r}`.", name=encoder.family.name),
        )
    return encoder


def resolve_settings(family: Family, values: JsonObject, encoder: EncoderBundle | None) -> FamilyConfig:
    """The family's settings. The encoder that training starts from decides the settings that shape it.

    Args:
        family: The family.
        values: Settings that were given.
        encoder: The encoder that training starts from; None: no encoder.

    Raises:
        SettingsError: A setting is unknown, has a wrong value, or differs from that of the encoder.
    """
    if encoder is None:
        return family.make_config(values)
    shape = {key: value for key, value in settings.as_dict(encoder.config).items() if key in family.structure}
    for key in values:
        if key in shape and values[key] != shape[key]:
            raise SettingsError(
                tr(
                    "the setting {key!r} is {values!r}, and that of the encoder to start from is {shape!r}.",
                    key=key,
                    values=values[key],
                    shape=shape[key],
                ),
                tr("Leave it out."),
            )
    derived = settings.derived_defaults(family.config, values)
    return family.make_config({**family.after_pretraining, **derived, **values, **shape})


def pretrained_weights(encoder: EncoderBundle | None) -> "PretrainedWeights | None":
    """The weights that a network starts from; None: its own."""
    if encoder is None:
        return None
    from tenor.models.neural import network

    return network.PretrainedWeights(encoders.restore(encoder.text_encoder), encoder.arrays)


def checkpoints_for(run: RunConfig | PretrainConfig, family: Family, folder: Path, identity: JsonObject) -> Checkpoints:
    """Where the checkpoints of the model in `folder` go, with what identifies the run."""
    backend.load(
        tr("the family {name!r}", name=family.name)
    )  # before anything else imports it: this keeps the backend quiet
    return Checkpoints(output.training_folder(folder), run.resume, identity)


def check_quantise(run: RunConfig, family: Family) -> None:
    """Raise SettingsError where int8 is requested of a family without networks."""
    if run.quantise and not family.has_graphs:
        raise SettingsError(
            tr("int8 is for networks, and the family {family!r} has none.", family=run.family),
            tr("Leave out `quantise=True`, or choose another family."),
        )


def requested_settings(run: RunConfig | PretrainConfig, config: FamilyConfig) -> JsonObject:
    """The options of a run and the settings of its family by name, for people who compare runs."""
    options = {name: value for name, value in asdict(run).items() if name not in _NOT_COMPARED and value is not False}
    return options | settings.as_dict(config)
