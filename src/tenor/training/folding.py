"""Whether a model reads traditional Chinese characters as simplified ones."""

from collections.abc import Sequence

import numpy as np

from tenor._core.language import tr
from tenor.data.text_source import text_source
from tenor.models import registry
from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.tasks import Targets, Task
from tenor.text import chinese
from tenor.text.chinese import CharacterMap

_MAX_UNCHANGED = 0.01  # share of Chinese characters that change: the texts are simplified already
_SAMPLE = 10_000  # texts that models are compared on
_SHARE = 0.3  # of them, to measure on
_SETTINGS = {"word_ngrams": (1, 2), "char_ngrams": (), "weighting": "tf-idf", "C": 10.0, "calibrated": False}


def choose(
    requested: bool | None, texts: Sequence[str], targets: Targets, task: Task, seed: int
) -> CharacterMap | None:
    """The map of traditional characters, or None if they are read unchanged.

    Simplified texts hardly change, so nothing is lost. For traditional ones, two quick `ngram` models are compared.

    Args:
        requested: Whether to fold; None: if the texts are Chinese, and folding is not clearly worse.
        texts: The training texts.
        targets: Their labels, as `task.encode` gives them.
        task: The task.
        seed: Seed of the sample and the split.
    """
    if requested is False or (requested is None and not chinese.are_chinese(texts)):
        return None
    character_map = chinese.traditional_to_simplified()
    if requested:
        return character_map
    rows = np.random.default_rng((seed, 2)).permutation(len(texts))[:_SAMPLE]
    sample = list(text_source(texts).take(np.sort(rows)))
    if character_map.share_changed(sample) <= _MAX_UNCHANGED:
        return character_map
    examples = Examples(sample, np.array(targets[np.sort(rows)]), task, np.ones(len(rows), np.float32))
    return None if _is_worse(examples, character_map, seed) else character_map


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
