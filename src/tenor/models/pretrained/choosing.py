"""Which encoders can read given texts: a check of the chosen one, and those that fit better."""

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

from tenor._core.language import join_names, tr
from tenor.errors import SettingsError, TenorError
from tenor.models.pretrained import catalogue, hub, huggingface
from tenor.models.pretrained.catalogue import Encoder
from tenor.text import scripts
from tenor.text import unknown_letters as letters
from tenor.text.subwords import SubwordTokenizer

MAX_UNKNOWN = 0.3
"""The share of unknown letters from which an encoder cannot read texts. English in MiniLM: below 0.01, German 0.04;
Chinese titles 0.7, Russian 0.9. A byte-level tokenizer of English: Chinese 0.97."""

_SAMPLE_TEXTS = 1_000  # that decide the script
_NAMED = 3  # encoders in an error


def unknown_letters(model: str, tokenizer: SubwordTokenizer, texts: Sequence[str], allowed: bool) -> float | None:
    """The share of the letters of texts that the tokenizer of an encoder does not know; None: there are no texts.

    Args:
        model: The encoder, as the user gave it.
        tokenizer: Its tokenizer.
        texts: Training texts.
        allowed: Whether any share is allowed.

    Raises:
        SettingsError: The share is above `MAX_UNKNOWN`, and that is not allowed.
    """
    if not len(texts):
        return None
    share = letters.share(tokenizer, texts)
    if share <= MAX_UNKNOWN or allowed:
        return round(share, 4)
    script = main_script(texts)
    named = "" if script == scripts.SCRIPTS[-1] else tr(", which are mostly {script}", script=tr(script))
    raise SettingsError(
        tr(
            "{model}: this encoder cannot read the texts: it does not know {share:.0%} of their letters{named}.",
            model=model,
            share=share,
            named=named,
        ),
        tr(
            "{alternatives} 'tenor models' lists all. To train with it nevertheless, set allow_unknown_letters=true.",
            alternatives=_alternatives(script),
        ),
    )


def _alternatives(script: str) -> str:
    """A sentence that names encoders for texts in a script: those on this machine first, then those on a hub."""
    encoders = list(catalogue.for_script(script))
    here = [encoder.name for encoder in encoders if hub.find_here(encoder) is not None]
    others = [encoder.summary for encoder in encoders if encoder.name not in here]
    language = catalogue.LANGUAGE_OF_SCRIPT.get(script, "multilingual")
    kind = (
        tr("a multilingual encoder")
        if language == "multilingual"
        else tr("an encoder for {language}", language=tr(language))
    )
    if here:
        return tr("Choose {kind} that is here, with model=NAME: {here}.", kind=kind, here=join_names(here))
    return tr(
        "Choose {kind}, with model=NAME: {others}; it is downloaded.", kind=kind, others=join_names(others[:_NAMED])
    )


def main_script(texts: Sequence[str]) -> str:
    """The script of most texts, from an even sample."""
    every = max(1, len(texts) // _SAMPLE_TEXTS)
    return scripts.most_common([texts[row] for row in range(0, len(texts), every)])


def find_here(texts: Sequence[str]) -> Iterator[Encoder]:
    """The recommended encoders that are installed or in a cache and can read texts, the best first."""
    for encoder in catalogue.for_script(main_script(texts)):
        folder = hub.find_here(encoder)
        if folder is not None and can_read(folder, texts):
            yield encoder


def can_read(folder: Path, texts: Sequence[str]) -> bool:
    """Whether the encoder in a folder knows enough letters of texts. One with a damaged tokenizer does not."""
    try:
        return letters.share(_tokenizer(folder), texts) <= MAX_UNKNOWN
    except (TenorError, ValueError):
        return False


@functools.lru_cache(maxsize=4)
def _tokenizer(folder: Path) -> SubwordTokenizer:
    encoder = huggingface.read_folder(folder)
    return SubwordTokenizer(encoder.tokenizer, encoder.padding)
