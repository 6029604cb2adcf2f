"""Whether a model reads traditional Chinese characters as simplified ones."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tenor._core.language import tr
from tenor.data.blocks import Rows
from tenor.data.text_source import text_source
from tenor.models import registry
from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.tasks import Targets, Task
from tenor.text import chinese
from tenor.text.chinese import CharacterMap

_MAX_UNCHANGED = 0.01  # share of Chinese characters that change: the texts are simplified already
TakeExamples = Callable[[Rows], Examples]
"""Rising row numbers -> those rows."""

_SCRIPT_SAMPLE = 2_000  # texts whose script is looked at
_SAMPLE = 10_000  # texts that models are compared on
_SHARE = 0.3  # of them, to measure on
_SETTINGS = {"word_ngrams": (1, 2), "char_ngrams": (), "weighting": "tf-idf", "C": 10.0, "calibrated": False}


def choose(requested: bool | None, n_texts: int, take: TakeExamples, seed: int) -> CharacterMap | None:
    """The map of traditional characters, or None if they are read unchanged.

    Simplified texts hardly change, so nothing is lost. For traditional ones, two quick `ngram` models are compared.

    Args:
        requested: Whether to fold; None: if the texts are Chinese, and folding is not clearly worse.
        n_texts: Number of training texts.
        take: Takes some of them.
        seed: Seed of the sample and the split.
    """
    if requested is False:
        return None
    if requested is None:
        even = np.arange(0, n_texts, max(1, n_texts // _SCRIPT_SAMPLE))
        if not chinese.are_chinese(take(even).texts):
            return None
    character_map = chinese.traditional_to_simplified()
    if requested:
        return character_map
    rows = np.sort(np.random.default_rng((seed, 2)).permutation(n_texts)[:_SAMPLE])
    sample = replace(take(rows), weights=np.ones(len(rows), np.float32))
    if character_map.share_changed(sample.texts) <= _MAX_UNCHANGED:
        return character_map
    return None if _is_worse(sample, character_map, seed) else character_map


def taken_from(texts: Sequence[str], targets: Targets, task: Task) -> TakeExamples:
    """What takes some of these texts, with their targets."""

    def take(rows: Rows) -> Examples:
        sample = list(text_source(texts).take(rows))
        return Examples(sample, np.array(targets[rows]), task, np.ones(len(rows), np.float32))

    return take


def describe(character_map: CharacterMap) -> str:
    """What is folded, as a sentence for the user."""
    return tr(
        "traditional Chinese characters are read as simplified ones ({source}), so the model reads "
        "both (`fold_chinese=False`: they stay different).",
        source=character_map.source,
    )


def _is_worse(examples: Examples, character_map: CharacterMap, seed: int) -> bool:
    """Whether a model of folded texts has a clearly higher loss: by more than the standard error of the difference."""
    losses = []
    family = registry.find("ngram")
    config = family.config(**_SETTINGS)
    for each in (examples, examples.fold(character_map)):
        train, held_out = each.split(_SHARE, seed)
        if not len(held_out) or not len(train):
            return False
        model = family.fit(train, config, FitContext(seed=seed)).model
        losses.append(each.task.losses(held_out.targets, model.logits(held_out.texts)).astype(np.float64))
    difference = losses[1] - losses[0]
    return bool(difference.mean() > difference.std() / np.sqrt(len(difference)))
