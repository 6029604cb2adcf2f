"""What a network keeps of long texts, in words."""

from tenor._core.callbacks import Callback
from tenor._core.language import mark, tr
from tenor.errors import counted
from tenor.models.network_config import NetworkConfig
from tenor.text.encoded import COVERS_WHOLE_TEXT

_IN_WORDS = {
    "end": mark("their end"),
    "start": mark("their start"),
    "both": mark("a quarter from the start, the rest from the end"),
    **dict.fromkeys(COVERS_WHOLE_TEXT, mark("all of them")),
}


def report(n_truncated: int, n_texts: int, config: NetworkConfig, callback: Callback) -> None:
    """Say how many texts are longer than `max_length`, unless all of each text is read."""
    if not n_truncated or {config.truncation, config.inference_truncation} <= set(COVERS_WHOLE_TEXT):
        return
    truncated = counted(n_truncated, "of {n_texts:,} texts is", "of {n_texts:,} texts are", n_texts=n_texts)
    in_training, in_predictions = tr(_IN_WORDS[config.truncation]), tr(_IN_WORDS[config.inference_truncation])
    kept = tr("kept: {in_training}", in_training=in_training)
    if config.inference_truncation != config.truncation:
        kept = tr(
            "training keeps {in_training}; predictions read {in_predictions}",
            in_training=in_training,
            in_predictions=in_predictions,
        )
    callback.on_message(
        tr(
            "{truncated} longer than {max_length} tokens; {kept}.",
            truncated=truncated,
            max_length=config.max_length,
            kept=kept,
        )
    )
