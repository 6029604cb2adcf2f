"""What speaks most for each label over many texts: n-grams for `ngram`, words for a network.

The n-grams of a model are buckets of hashes without a spelling, and no training text is in a saved model, which may be
handed on; so texts are given, and what stands in them is spelled from them. They also tell what counts: an n-gram ranks
by what it adds to the label over all of them, since a large weight of a rare n-gram decides little.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor.explanation.texts import directions, explain
from tenor.inference.predictor import Predictor
from tenor.models.ngram.model import NgramModel
from tenor.tasks import Floats
from tenor.text import ngrams, normalise
from tenor.text.tokenise import Tokens, blocks, hash_characters, tokenise

_SAMPLE = 20_000  # texts that are looked at
_NETWORK_SAMPLE = 500


class TopFeature(NamedTuple):
    """A word or n-gram that speaks for a label.

    Attributes:
        spelling: In folded characters; a blank in an n-gram of characters is an open box.
        weight: What it adds to the label's logit, the mean over the texts that it stands in.
        texts: In how many of the texts looked at it stands.
    """

    spelling: str
    weight: float
    texts: int


def top_features(
    predictor: Predictor, texts: Sequence[str], limit: int = 10, seed: int = 0
) -> dict[str, list[TopFeature]]:
    """What speaks most for each label, the strongest first; where numbers are predicted, for `higher` and `lower`.

    Args:
        predictor: The model.
        texts: Texts such as those that it has learned from; a sample of 20,000, or for a network of 500, is looked at.
        limit: How many to find for each label.
        seed: Of the sample.
    """
    model = predictor.bundle.model
    size = _SAMPLE if isinstance(model, NgramModel) else _NETWORK_SAMPLE
    order = np.random.default_rng(seed).permutation(len(texts))[:size]
    looked_at = [texts[row] for row in np.sort(order)]
    if not looked_at:
        return {name: [] for name in _names(predictor)}
    if isinstance(model, NgramModel):
        return _grams(predictor, model, looked_at, limit)
    return _words(predictor, looked_at, limit)


def _names(predictor: Predictor) -> tuple[str, ...]:
    return predictor.bundle.task.labels or ("higher", "lower")


def _grams(predictor: Predictor, model: NgramModel, texts: Sequence[str], most: int) -> dict[str, list[TopFeature]]:
    matrix = model.features(ngrams.count(texts, model.word_ngrams, model.char_ngrams))
    stands, total = matrix.getnnz(axis=0), np.asarray(matrix.sum(axis=0), np.float32).reshape(-1, 1)
    added: Floats = total * (model.linear.weights @ directions(predictor)[0].T)
    if not predictor.bundle.task.labels:
        added = np.concatenate([added, -added], axis=1)
    ranked = np.argsort(-added, axis=0, kind="stable")[:most]
    spelled = _spell(model, texts, model.buckets[np.unique(ranked)])
    found = {}
    for column, name in enumerate(_names(predictor)):
        rows = [row for row in ranked[:, column].tolist() if added[row, column] > 0]
        found[name] = [
            TopFeature(spelled[int(model.buckets[row])], float(added[row, column] / stands[row]), int(stands[row]))
            for row in rows
        ]
    return found


def _spell(model: NgramModel, texts: Sequence[str], buckets: npt.NDArray[np.int32]) -> dict[int, str]:
    """Bucket -> the n-gram found in it; of several that share it, the most frequent where the first one is found."""
    wanted = ngrams.bucket_positions(buckets) >= 0
    spelled: dict[int, str] = {}
    for block in blocks(texts):
        found: dict[int, Counter[str]] = defaultdict(Counter)
        kinds = [(tokenise(block), model.word_ngrams, " ")] if model.word_ngrams else []
        kinds += [(hash_characters(block), model.char_ngrams, "")] if model.char_ngrams else []
        for parts, orders, joint in kinds:
            for order in orders:
                for bucket, spelling in _occurrences(parts, order, joint, wanted):
                    found[bucket][spelling] += 1
        for bucket, spellings in found.items():
            spelled[bucket] = spellings.most_common(1)[0][0]
            wanted[bucket] = False
    return spelled


def _occurrences(parts: Tokens, order: int, joint: str, wanted: npt.NDArray[np.bool_]) -> list[tuple[int, str]]:
    """Bucket and spelling of each n-gram in a bucket that is wanted."""
    numbers = np.arange(len(parts.hashes))
    buckets, index, _ = ngrams.ngram_spans(parts.hashes, numbers, numbers, (order,))
    buckets, index = buckets.reshape(-1, order)[:, 0], index.reshape(-1, order)
    owner = np.searchsorted(parts.text_offsets, numbers, side="right")
    kept = wanted[buckets] & (owner[index[:, 0]] == owner[index[:, -1]])
    pairs = zip(buckets[kept].tolist(), index[kept].tolist(), strict=True)
    return [(bucket, joint.join(_spelling(parts, part) for part in row)) for bucket, row in pairs]


def _spelling(parts: Tokens, part: int) -> str:
    text = normalise.fold(parts.joined[parts.begin[part] : parts.end[part]]).text()
    return text if text.strip() else "␣"


def _words(predictor: Predictor, texts: Sequence[str], most: int) -> dict[str, list[TopFeature]]:
    added: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in _names(predictor)}
    for explanation in explain(predictor, texts):
        for evidence in explanation.labels:
            of_word: dict[str, float] = defaultdict(float)
            for begin, end, weight in evidence.spans:
                of_word[explanation.text[begin:end].lower()] += weight
            for word, weight in of_word.items():
                added["higher" if evidence.label is None else evidence.label][word].append(weight)
                if evidence.label is None:
                    added["lower"][word].append(-weight)
    found = {}
    for name, words in added.items():
        ranked = sorted(words, key=lambda word: -sum(words[word]))[:most]
        strong = [TopFeature(word, sum(words[word]) / len(words[word]), len(words[word])) for word in ranked]
        found[name] = [each for each in strong if each.weight > 0]
    return found
