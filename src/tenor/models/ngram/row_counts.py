"""Rows -> counts of n-grams, and the features of their other columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self, get_args

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor._core.records import JsonObject, Record
from tenor.data.blocks import BLOCK_ROWS, Rows
from tenor.data.fields import SINGLE_TEXT, Fields
from tenor.data.text_source import text_source
from tenor.models.linear import matrices
from tenor.models.linear.matrices import Matrix
from tenor.models.ngram.config import Config
from tenor.models.tabular import encoder as tabular
from tenor.models.tabular.encoder import FeatureEncoder
from tenor.text import ngrams
from tenor.text.encoded import Spans
from tenor.text.field_buckets import FieldBuckets
from tenor.text.ngrams import NgramCounts

_SCALE = 1e-6, 1e6


@dataclass(frozen=True)
class RowEncoder:
    """Turns rows into counts.

    Attributes:
        word_ngrams: Lengths of the n-grams in tokens.
        char_ngrams: Lengths of the n-grams in characters.
        fields: The columns of a row.
        field_buckets: How the n-grams of several text fields share the buckets.
        features: Encodes what a row has besides its texts; None: nothing.
    """

    word_ngrams: tuple[int, ...]
    char_ngrams: tuple[int, ...]
    fields: Fields = SINGLE_TEXT
    field_buckets: FieldBuckets = "shared"
    features: FeatureEncoder | None = None

    @classmethod
    def from_config(cls, config: Config, fields: Fields = SINGLE_TEXT, features: FeatureEncoder | None = None) -> Self:
        """The encoder that the settings describe."""
        return cls(
            config.word_ngrams or (),
            config.char_ngrams or (),
            fields,
            config.field_buckets or "shared",
            features,
        )

    @property
    def n_features(self) -> int:
        """Features besides the n-grams."""
        return 0 if self.features is None else self.features.width

    def count(self, rows: Sequence[str], callback: Callback | None = None) -> "RowCounts":
        """Counts and features of rows, on disk if the rows are."""
        counts = ngrams.count(rows, self.word_ngrams, self.char_ngrams, callback, self.fields, self.field_buckets)
        return RowCounts(counts, self._features(rows), self)

    def blocks(self, rows: Sequence[str]) -> list[Sequence[str]]:
        """The rows in blocks that `count_block` can count."""
        return list(ngrams.text_blocks(rows, self.fields))

    def count_block(self, block: Sequence[str]) -> "RowCounts":
        """Counts and features of one of `blocks`, in this thread."""
        counts = ngrams.count_block(block, self.word_ngrams, self.char_ngrams, self.fields, self.field_buckets)
        return RowCounts(counts, self._features(block), self)

    def spans(self, row: str) -> Spans:
        """The characters that the n-grams of `count([row])` come from."""
        return ngrams.spans(row, self.word_ngrams, self.char_ngrams, self.fields, self.field_buckets)

    def _features(self, rows: Sequence[str]) -> Matrix | None:
        if self.features is None:
            return None
        if text_source(rows).on_disk:
            blocks = (rows[at : at + BLOCK_ROWS] for at in range(0, len(rows), BLOCK_ROWS))
            return matrices.store(map(self.features.encode, blocks), self.n_features)
        return self.features.encode(rows)


class RowCounts(NamedTuple):
    """Encoded rows.

    Attributes:
        ngrams: Counts of n-grams in their texts.
        features: (rows, features) what else they have; None: nothing.
        encoder: What encoded them.
    """

    ngrams: NgramCounts
    features: Matrix | None
    encoder: RowEncoder

    def take(self, rows: Rows) -> "RowCounts":
        """The chosen rows, in that order, in memory."""
        features = None if self.features is None else matrices.take(self.features, rows)
        return self._replace(ngrams=ngrams.take(self.ngrams, rows), features=features)


def fit_encoder(rows: Sequence[str], fields: Fields, config: Config) -> RowEncoder:
    """The encoder with these settings, its features fitted to training rows."""
    return RowEncoder.from_config(config, fields, tabular.fit(rows, fields))


def describe_fields(encoder: RowEncoder, feature_scale: float) -> JsonObject:
    """Several fields for `encoder.json`; empty for a single text."""
    if encoder.fields.is_single_text:
        return {}
    described: JsonObject = {"fields": encoder.fields.to_dict(), "field_buckets": encoder.field_buckets}
    if encoder.features is not None:
        described |= {"features": encoder.features.to_dict(), "feature_scale": feature_scale}
    return described


def restore(record: Record, word_ngrams: tuple[int, ...], char_ngrams: tuple[int, ...]) -> tuple[RowEncoder, float]:
    """The encoder that `describe_fields` wrote, and the scale of its features. Raises RecordError, a ValueError."""
    if "fields" not in record.values:
        return RowEncoder(word_ngrams, char_ngrams), 1.0
    fields = Fields.from_record(record.record("fields"))
    if fields.is_single_text:
        raise record.error("fields", tr("there must be more than one column"))
    shared: FieldBuckets = record.choice("field_buckets", get_args(FieldBuckets))  # type: ignore[assignment]
    if shared == "overlap" and not fields.is_pair:
        raise record.error("field_buckets", tr("only a pair of texts has `overlap`"))
    if not fields.features and not fields.is_pair:
        return RowEncoder(word_ngrams, char_ngrams, fields, shared), 1.0
    features = tabular.restore(record.record("features"), fields)
    return RowEncoder(word_ngrams, char_ngrams, fields, shared, features), record.number("feature_scale", *_SCALE)
