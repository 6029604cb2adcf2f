"""What a network keeps of long texts, in words."""

from tenor._core.callbacks import Callback
from tenor.errors import counted
from tenor.models.network_config import NetworkConfig
from tenor.text.encoded import COVERS_WHOLE_TEXT

_IN_WORDS = {
    "end": "their end",
    "start": "their start",
    "both": "a quarter from the start, the rest from the end",
    **dict.fromkeys(COVERS_WHOLE_TEXT, "all of them"),
}


def report(n_truncated: int, n_texts: int, config: NetworkConfig, callback: Callback) -> None:
    """Say how many texts are longer than `max_length`, unless all of each text is read."""
    if not n_truncated or {config.truncation, config.inference_truncation} <= set(COVERS_WHOLE_TEXT):
        return
    of = f"of {n_texts:,} texts"
    truncated = counted(n_truncated, f"{of} is", f"{of} are")
    in_training, in_predictions = _IN_WORDS[config.truncation], _IN_WORDS[config.inference_truncation]
    kept = f"kept: {in_training}"
    if config.inference_truncation != config.truncation:
        kept = f"training keeps {in_training}; predictions read {in_predictions}"
    callback.on_message(f"{truncated} longer than {config.max_length} tokens; {kept}.")
