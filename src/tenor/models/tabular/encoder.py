"""Rows of several fields -> features beside their texts: those of each column, and the similarity of a pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy

from tenor._core.language import tr
from tenor._core.records import JsonObject, Record
from tenor.data.fields import Fields
from tenor.data.text_source import text_source
from tenor.models.attribution import FeatureShares
from tenor.models.linear.matrices import Matrix
from tenor.models.tabular import columns
from tenor.models.tabular.columns import ColumnEncoder, NumberEncoder
from tenor.models.tabular.pairs import PairSimilarity
from tenor.tasks import Floats
from tenor.text.field_buckets import split_texts

SIMILARITY = "similarity"
"""What explanations call the features of a pair of texts."""

_MAX_FITTED = 200_000  # rows: more of them change medians and categories little
_MAX_SIMILARITIES = 1_000


@dataclass(frozen=True)
class FeatureEncoder:
    """Turns rows into features.

    Attributes:
        fields: The columns of a row.
        columns: An encoder for each field after the texts.
        similarity: Compares the texts of a pair; None: they are not a pair.
        similarities: Encoders of its numbers.
    """

    fields: Fields
    columns: tuple[ColumnEncoder, ...]
    similarity: PairSimilarity | None = None
    similarities: tuple[NumberEncoder, ...] = ()

    @cached_property
    def groups(self) -> tuple[tuple[str, slice], ...]:
        """The name of each feature field, or `SIMILARITY`, and the columns of the matrix that belong to it."""
        names = [field.name for field in self.fields.features]
        widths = [column.width for column in self.columns]
        if self.similarity is not None:
            names.append(SIMILARITY)
            widths.append(sum(each.width for each in self.similarities))
        ends = np.cumsum(widths).tolist()
        return tuple((name, slice(end - width, end)) for name, end, width in zip(names, ends, widths, strict=True))

    @property
    def width(self) -> int:
        """Number of features."""
        return int(self.groups[-1][1].stop)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """(width,) the name of each feature."""
        of_columns = zip(self.fields.features, self.columns, strict=True)
        named = [field.name + end for field, column in of_columns for end in column.names]
        of_pair = (SIMILARITY + end for each in self.similarities for end in each.names)
        return *named, *of_pair

    def encode(self, rows: Sequence[str]) -> Matrix:
        """(rows, width) float32, sparse."""
        if not rows:
            return scipy.sparse.csr_matrix((0, self.width), dtype=np.float32)
        parts = [column.encode(values) for column, values in zip(self.columns, _values(rows, self.fields), strict=True)]
        if self.similarity is not None:
            numbers = self.similarity.encode(split_texts(rows, self.fields))
            parts += [one.encode_numbers(values) for one, values in zip(self.similarities, numbers.T, strict=True)]
        return scipy.sparse.hstack(parts, format="csr", dtype=np.float32)

    def attribute(self, matrix: Matrix, weights: Floats, directions: Floats) -> list[FeatureShares]:
        """What the features of each row add to a weighted sum of its logits.

        Args:
            matrix: (rows, width) what `encode` gave.
            weights: (width, outputs) weights of the features.
            directions: (rows, outputs) weights of the sum.
        """
        added = matrix.multiply((weights @ directions.T).T).tocsc()
        sums = [np.asarray(added[:, part].sum(axis=1)).ravel().tolist() for _, part in self.groups]
        names = [name for name, _ in self.groups]
        return [tuple(zip(names, each, strict=True)) for each in zip(*sums, strict=True)]

    def to_dict(self) -> JsonObject:
        """The parameters as JSON, without the fields."""
        described: JsonObject = {"columns": [column.to_dict() for column in self.columns]}
        if self.similarity is not None:
            described["similarity"] = self.similarity.to_dict()
            described["similarities"] = [each.to_dict() for each in self.similarities]
        return described


def fit(rows: Sequence[str], fields: Fields) -> FeatureEncoder | None:
    """The encoder for the fields of these training rows; None: there are only texts, which are not a pair.

    Of many rows, about 200,000 are read, taken evenly.
    """
    if not fields.features and not fields.is_pair:
        return None
    sample = _sample(rows)
    encoders = tuple(
        columns.fit_column(field.kind, values)
        for field, values in zip(fields.features, _values(sample, fields), strict=True)
    )
    if not fields.is_pair:
        return FeatureEncoder(fields, encoders)
    texts = split_texts(sample, fields)
    similarity = PairSimilarity.fit(texts)
    similarities = tuple(NumberEncoder.fit(numbers) for numbers in similarity.encode(texts).T)
    return FeatureEncoder(fields, encoders, similarity, similarities)


def restore(record: Record, fields: Fields) -> FeatureEncoder:
    """The encoder that `to_dict` wrote. Raises RecordError, a ValueError, for anything else."""
    record.refuse_unknown({"columns", "similarity", "similarities"} if fields.is_pair else {"columns"})
    encoders = tuple(map(columns.restore_column, record.records("columns", len(fields.columns))))
    if [encoder.kind for encoder in encoders] != [field.kind for field in fields.features]:
        raise record.error("columns", tr("they are not those of the fields"))
    if not fields.is_pair:
        return FeatureEncoder(fields, encoders)
    similarity = PairSimilarity.from_record(record.record("similarity"))
    each = tuple(map(NumberEncoder.from_record, record.records("similarities", _MAX_SIMILARITIES)))
    n_numbers = similarity.encode(["", ""]).shape[1]
    if len(each) != n_numbers:
        raise record.error(
            "similarities", tr("there are {n_each:,}, not {n_numbers:,}", n_each=len(each), n_numbers=n_numbers)
        )
    return FeatureEncoder(fields, encoders, similarity, each)


def _values(rows: Sequence[str], fields: Fields) -> list[list[str]]:
    """The values of each feature field."""
    n_texts = len(fields.texts)
    split = [fields.split(row)[n_texts:] for row in rows]
    return [[values[number] for values in split] for number in range(len(fields.features))]


def _sample(rows: Sequence[str]) -> Sequence[str]:
    if len(rows) <= _MAX_FITTED:
        return list(rows)
    return list(text_source(rows).take(np.linspace(0, len(rows) - 1, _MAX_FITTED).astype(np.int64)))
