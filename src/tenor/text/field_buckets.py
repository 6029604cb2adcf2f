"""The buckets of n-grams, and how the n-grams of several text fields share them.

No n-gram reaches over two fields. `shared`: the n-grams of all fields have the same buckets. `own`: each field has
buckets of its own. `both`: shared ones and own ones. `overlap`, for a pair of texts: shared ones, and whether an n-gram
is in both texts or in one of them.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from tenor.data.fields import SEPARATOR, Fields
from tenor.text.tokenise import BLOCK_TEXTS, Positions, mix

FieldBuckets = Literal["shared", "own", "both", "overlap"]

BITS = 22
"""There are 2^22 buckets. The number of a text in its block and a bucket share 32 bits, so that sorting is fast."""

_IN_BOTH, _IN_ONE = 1 << 30, (1 << 30) + 1  # salts beyond those of fields, which count from 1
_BUCKET = np.uint32((1 << BITS) - 1)

assert BLOCK_TEXTS <= 1 << (32 - BITS)

Keys = npt.NDArray[np.uint32]
"""N-grams of a block as (number of the text, bucket) in 32 bits."""


class BucketSpans(NamedTuple):
    """Tokens of n-grams, in characters of a row.

    Attributes:
        buckets: (tokens,) the bucket of each token's n-gram.
        begin: (tokens,) first character.
        end: (tokens,) the position after the last character.
    """

    buckets: Positions
    begin: Positions
    end: Positions


class BucketVariant(NamedTuple):
    """One of the buckets that an n-gram may have.

    Attributes:
        prefix: What is said before the n-gram.
        field: Number of the only field whose n-grams have it; None: those of all fields.
        salt: Makes it from the shared bucket; 0: it is the shared one.
    """

    prefix: str
    field: int | None
    salt: int

    def of(self, buckets: Positions) -> Positions:
        """The buckets for these shared ones."""
        return _salt(buckets.astype(np.uint32), np.uint64(self.salt)).astype(np.int64) if self.salt else buckets


def split_texts(rows: Sequence[str], fields: Fields) -> Sequence[str]:
    """The values of the text fields of all rows, row after row."""
    n_texts = len(fields.texts)
    if fields.is_single_text:
        return rows
    if n_texts == 1:
        return [row.partition(SEPARATOR)[0] for row in rows]
    return [value for row in rows for value in fields.split(row)[:n_texts]]


def row_keys(keys: list[Keys], n_fields: int, field_buckets: FieldBuckets) -> list[Keys]:
    """N-grams of the texts of fields, `n_fields` to a row -> n-grams of the rows.

    Args:
        keys: Numbers count the texts of all fields, row after row.
        n_fields: Text fields of a row.
        field_buckets: How they share the buckets.
    """
    if n_fields == 1:
        return keys
    text, bucket = (np.concatenate(part) for part in zip(*map(_parts, keys), strict=True))
    row, field = np.divmod(text, np.uint32(n_fields))
    shared = _join(row, bucket)
    if field_buckets == "shared":
        return [shared]
    if field_buckets == "overlap":
        first, second = (np.unique(shared[field == number]) for number in (0, 1))
        in_both = np.intersect1d(first, second, assume_unique=True)
        in_one = np.setxor1d(first, second, assume_unique=True)
        return [shared, _salt_keys(in_both, _IN_BOTH), _salt_keys(in_one, _IN_ONE)]
    own = _join(row, _salt(bucket, field.astype(np.uint64) + np.uint64(1)))
    return [own] if field_buckets == "own" else [shared, own]


def row_spans(of_fields: list[BucketSpans], field_buckets: FieldBuckets) -> BucketSpans:
    """Where the n-grams of a row are, from those of the texts of its fields."""
    if len(of_fields) == 1:
        return of_fields[0]
    parts: list[BucketSpans] = []
    for number, spans in enumerate(of_fields):
        bucket = spans.buckets.astype(np.uint32)
        if field_buckets != "own":
            parts.append(spans)
        if field_buckets in ("own", "both"):
            parts.append(spans._replace(buckets=_salt(bucket, np.uint64(number + 1)).astype(np.int64)))
        if field_buckets == "overlap":
            in_both = np.isin(spans.buckets, of_fields[1 - number].buckets)
            salts = np.where(in_both, np.uint64(_IN_BOTH), np.uint64(_IN_ONE))
            parts.append(spans._replace(buckets=_salt(bucket, salts).astype(np.int64)))
    return BucketSpans(*map(np.concatenate, zip(*parts, strict=True)))


def bucket_variants(fields: Fields, field_buckets: FieldBuckets) -> list[BucketVariant]:
    """The buckets that an n-gram may have."""
    names, shared = [field.name for field in fields.texts], BucketVariant("", None, 0)
    if len(names) == 1 or field_buckets == "shared":
        return [shared]
    if field_buckets == "overlap":
        return [shared, BucketVariant("in both: ", None, _IN_BOTH), BucketVariant("in one: ", None, _IN_ONE)]
    own = [BucketVariant(f"{name}: ", number, number + 1) for number, name in enumerate(names)]
    return own if field_buckets == "own" else [shared, *own]


def _parts(keys: Keys) -> tuple[Keys, Keys]:
    return keys >> np.uint32(BITS), keys & _BUCKET


def _join(text: Keys, bucket: Keys) -> Keys:
    return text << np.uint32(BITS) | bucket


def _salt(bucket: Keys, salt: npt.NDArray[np.uint64] | np.uint64) -> Keys:
    """Another bucket for each bucket and salt."""
    return (mix(bucket.astype(np.uint64) | salt << np.uint64(32)) >> np.uint64(64 - BITS)).astype(np.uint32)


def _salt_keys(keys: Keys, salt: int) -> Keys:
    text, bucket = _parts(keys)
    return _join(text, _salt(bucket, np.uint64(salt)))
