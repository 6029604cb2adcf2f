"""The features that speak most for each label over many texts: n-grams for `ngram`, words for a network.

A model knows n-grams as hash buckets without a spelling, and a saved model holds no training texts. So texts are given,
and n-grams are spelled from them. An n-gram ranks by what it adds to the label over all of these texts, since a large
weight of a rare n-gram decides little.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor.explanation.texts import directions, explain
from tenor.inference.predictor import Predictor
from tenor.models.ngram.model import NgramModel
from tenor.models.ngram.row_counts import RowEncoder
from tenor.tasks import Floats
from tenor.text import document_frequency, ngrams, normalise
from tenor.text.field_buckets import BucketVariant, bucket_variants, split_texts
from tenor.text.tokenise import Tokens, blocks, hash_characters, tokenise

_SAMPLE = 20_000  # texts
_NETWORK_SAMPLE = 500  # texts


class TopFeature(NamedTuple):
    """A word or n-gram that speaks for a label.

    Attributes:
        spelling: In folded characters; a blank in a character n-gram is an open box.
        weight: What it adds to the label's logit, the mean over the texts that contain it.
        texts: Number of texts that contain it.
    """

    spelling: str
    weight: float
    texts: int


def top_features(
    predictor: Predictor, texts: Sequence[str], limit: int = 10, seed: int = 0
) -> dict[str, list[TopFeature]]:
    """The features that speak most for each label, the strongest first; for numbers, for `higher` and `lower`.

    Args:
        predictor: The model.
        texts: Texts such as the training texts, or a table of them. A sample of 20,000 is used, for a network of 500.
        limit: Features per label, at most.
        seed: Seed of the sample.

    Raises:
        DataError: An element is not a string.
    """
    texts, model = predictor.as_rows(texts), predictor.bundle.model
    size = _SAMPLE if isinstance(model, NgramModel) else _NETWORK_SAMPLE
    order = np.random.default_rng(seed).permutation(len(texts))[:size]
    sample = [texts[row] for row in np.sort(order)]
    if not sample:
        return {name: [] for name in _names(predictor)}
    if isinstance(model, NgramModel):
        return _top_ngrams(predictor, model, sample, limit)
    return _top_words(predictor, sample, limit)


def _names(predictor: Predictor) -> tuple[str, ...]:
    return predictor.bundle.task.labels or ("higher", "lower")


def _top_ngrams(
    predictor: Predictor, model: NgramModel, texts: Sequence[str], limit: int
) -> dict[str, list[TopFeature]]:
    texts = predictor.bundle.fold(texts)  # as the model reads them
    matrix = model.features(model.count(texts))
    n_texts, total = matrix.getnnz(axis=0), np.asarray(matrix.sum(axis=0), np.float32).reshape(-1, 1)
    added: Floats = total * (model.linear.weights @ directions(predictor)[0].T)
    if not predictor.bundle.task.labels:
        added = np.concatenate([added, -added], axis=1)
    ranked = np.argsort(-added, axis=0, kind="stable")[:limit]
    spelled = _spell_columns(model, texts, np.unique(ranked))
    features = {}
    for column, name in enumerate(_names(predictor)):
        rows = [row for row in ranked[:, column].tolist() if added[row, column] > 0]
        features[name] = [
            TopFeature(spelled[row], float(added[row, column] / n_texts[row]), int(n_texts[row])) for row in rows
        ]
    return features


def _spell_columns(model: NgramModel, texts: Sequence[str], columns: npt.NDArray[np.int64]) -> dict[int, str]:
    """Column of the feature matrix -> the spelling of its n-gram, or the name of the feature."""
    n_ngrams, encoder = len(model.buckets), model.row_encoder.features
    spelled = _spell(model.row_encoder, texts, model.buckets[columns[columns < n_ngrams]])
    of_ngrams = {column: spelled.get(int(model.buckets[column]), "") for column in columns[columns < n_ngrams].tolist()}
    if encoder is None:
        return of_ngrams
    return of_ngrams | {column: encoder.names[column - n_ngrams] for column in columns[columns >= n_ngrams].tolist()}


def _spell(encoder: RowEncoder, texts: Sequence[str], buckets: npt.NDArray[np.int32]) -> dict[int, str]:
    """Bucket -> the spelling of its n-gram. If several share it, the most frequent one of the first block of texts."""
    open_buckets = document_frequency.positions(buckets) >= 0
    n_fields, variants = len(encoder.fields.texts), bucket_variants(encoder.fields, encoder.field_buckets)
    spelled: dict[int, str] = {}
    for block in blocks(texts):
        counts: dict[int, Counter[str]] = defaultdict(Counter)
        values = split_texts(block, encoder.fields)
        kinds = [(tokenise(values), encoder.word_ngrams, " ")] if encoder.word_ngrams else []
        kinds += [(hash_characters(values), encoder.char_ngrams, "")] if encoder.char_ngrams else []
        for (parts, orders, joint), variant in itertools.product(kinds, variants):
            for order in orders:
                for bucket, spelling in _occurrences(parts, (order, joint, n_fields), variant, open_buckets):
                    counts[bucket][spelling] += 1
        for bucket, spellings in counts.items():
            spelled[bucket] = spellings.most_common(1)[0][0]
            open_buckets[bucket] = False
    return spelled


def _occurrences(
    parts: Tokens, form: tuple[int, str, int], variant: BucketVariant, buckets_to_spell: npt.NDArray[np.bool_]
) -> list[tuple[int, str]]:
    """Bucket and spelling of each n-gram whose bucket is to be spelled.

    Args:
        parts: Tokens or characters of the text fields, row after row.
        form: Length of the n-grams, what joins their parts, and the text fields of a row.
        variant: Which of its buckets.
        buckets_to_spell: (2^BITS,) whether a bucket needs a spelling.
    """
    order, joint, n_fields = form
    numbers = np.arange(len(parts.hashes))
    buckets, index, _ = ngrams.ngram_spans(parts.hashes, numbers, numbers, (order,))
    buckets, index = variant.of(buckets.reshape(-1, order)[:, 0]), index.reshape(-1, order)
    owner = np.searchsorted(parts.text_offsets, numbers, side="right") - 1
    kept = buckets_to_spell[buckets] & (owner[index[:, 0]] == owner[index[:, -1]])
    if variant.field is not None:
        kept &= owner[index[:, 0]] % n_fields == variant.field
    pairs = zip(buckets[kept].tolist(), index[kept].tolist(), strict=True)
    return [(bucket, variant.prefix + joint.join(_spelling(parts, part) for part in row)) for bucket, row in pairs]


def _spelling(parts: Tokens, part: int) -> str:
    text = normalise.fold(parts.joined[parts.begin[part] : parts.end[part]]).text()
    return text if text.strip() else "␣"


def _top_words(predictor: Predictor, texts: Sequence[str], limit: int) -> dict[str, list[TopFeature]]:
    added: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in _names(predictor)}
    for explanation in explain(predictor, texts):
        for evidence in explanation.labels:
            sums: dict[str, float] = defaultdict(float)
            for begin, end, weight in evidence.spans:
                sums[explanation.text[begin:end].lower()] += weight
            for word, weight in sums.items():
                added["higher" if evidence.label is None else evidence.label][word].append(weight)
                if evidence.label is None:
                    added["lower"][word].append(-weight)
    features = {}
    for name, words in added.items():
        ranked = sorted(words, key=lambda word: -sum(words[word]))[:limit]
        top = [TopFeature(word, sum(words[word]) / len(words[word]), len(words[word])) for word in ranked]
        features[name] = [feature for feature in top if feature.weight > 0]
    return features
