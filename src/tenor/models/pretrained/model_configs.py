"""Read the architecture of an encoder from config.json."""

from collections.abc import Mapping

from tenor._core.language import tr
from tenor._core.records import Json, Record
from tenor.models.pretrained.architectures import ACTIVATIONS, Architecture
from tenor.models.pretrained.model_types import ModelType

_LARGEST_SETTING = 1 << 31


def from_config(model_type: ModelType, config: Record) -> Architecture:
    """Read an architecture from config.json.

    Args:
        model_type: The model type.
        config: The content of config.json.

    Raises:
        RecordError: A value is missing, wrong, or belongs to an encoder of another kind.
    """
    values, keys = config.values, model_type.keys
    sizes = {
        name: config.integer(_present(values, getattr(keys, name)), 1, _LARGEST_SETTING)
        for name in ("width", "blocks", "heads", "hidden", "tokens", "positions")
    }
    activation = _present(values, keys.activation)
    further = model_type.settings(config)
    if model_type.first_position_after_padding:
        sizes["positions"] -= config.integer("pad_token_id", 0, sizes["positions"] - 2) + 1
    if values.get("head_dim") not in (None, sizes["width"] // sizes["heads"]):
        raise config.error("head_dim", tr("heads that do not share the width are not known"))
    inner = "embedding_size" if values.get("embedding_size") else _present(values, keys.width)
    epsilon = _present(values, keys.epsilon)
    has_epsilon = model_type.has_epsilon and epsilon in values
    architecture = {
        "shared": False,
        **sizes,
        "inner": config.integer(inner, 1, _LARGEST_SETTING),
        "activation": _activation(config, activation, values.get(activation, model_type.default_activation)),
        "epsilon": config.number(epsilon) if has_epsilon else model_type.default_epsilon,
        **model_type.parts,
        **further,
    }
    if "convolution_activation" in further:
        given = further["convolution_activation"]
        architecture["convolution_activation"] = _activation(config, "conv_act", given)
    return Architecture.from_record(Record(architecture, config.file))


def _present(values: Mapping[str, Json], keys: str) -> str:
    """The first of several keys that config.json has, or the last one."""
    names = keys.split("|")
    return next((name for name in names if values.get(name) is not None), names[-1])


def _activation(config: Record, key: str, value: Json) -> str:
    if value == "swiglu":
        return "silu"
    if not isinstance(value, str) or value not in ACTIVATIONS:
        raise config.error(key, tr("the activation {value!r:.60} is not known", value=value))
    return ACTIVATIONS[value]
