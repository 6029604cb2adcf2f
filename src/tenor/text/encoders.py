"""`encoder.json` -> the text encoder."""

from collections.abc import Callable

from tenor._core.records import JsonObject, Record
from tenor.text import gram_ids, vocabulary
from tenor.text.encoded import TextEncoder


def restore(description: JsonObject) -> TextEncoder:
    """The text encoder that `encoder.json` describes. Raises ValueError if it describes none."""
    return _KINDS[Record(description, "encoder.json").choice("kind", _KINDS)](description)


def _subwords(description: JsonObject) -> TextEncoder:
    from tenor.text import subwords  # loads the package `tokenizers`

    return subwords.restore(description)


_KINDS: dict[str, Callable[[JsonObject], TextEncoder]] = {
    "vocabulary": vocabulary.restore,
    "n-grams": gram_ids.restore,
    "subwords": _subwords,
}
