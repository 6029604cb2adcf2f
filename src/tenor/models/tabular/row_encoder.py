"""Rows of several fields -> the ids of their texts in one row, and the features of the other columns, for networks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from tenor._core.language import tr
from tenor._core.records import JsonObject, Record
from tenor.data.blocks import BLOCK_ROWS, Rows
from tenor.data.fields import SEPARATOR, Fields
from tenor.data.text_source import TextSource, text_source
from tenor.models.attribution import FeatureShares
from tenor.models.linear.matrices import Matrix
from tenor.models.tabular import encoder as tabular
from tenor.models.tabular.encoder import FeatureEncoder
from tenor.tasks import Floats
from tenor.text import encoded, encoders, field_layout
from tenor.text.encoded import Encoded, Positions, Spans, TextEncoder, Truncation
from tenor.text.field_buckets import split_texts
from tenor.text.field_layout import NOT_A_TOKEN, Layout, Specials
from tenor.text.gram_ids import NgramVocabulary
from tenor.text.tokenizer_checks import MAX_TOKENS

KIND = "fields"
"""The kind of the encoder in `encoder.json`."""

_NO_LIMIT = 1 << 40  # tokens
_MAX_SEPARATORS = 16


@dataclass(frozen=True)
class RowEncoder:
    """A `TextEncoder` for rows of several fields.

    Attributes:
        text_encoder: Turns the text of one field into ids.
        fields: The columns of a row.
        separators: Ids between two text fields; n-grams have none.
        features: Encodes what a row has besides its texts; None: nothing.
        second_offset: What is added to the ids of the second text and of the special tokens after it, so that an
            encoder knows its tokens; 0: nothing.
    """

    text_encoder: TextEncoder
    fields: Fields
    separators: tuple[int, ...]
    features: FeatureEncoder | None
    second_offset: int = 0

    @property
    def size(self) -> int:
        """One more than the largest id."""
        return self.second_offset + max(self.text_encoder.size, *(each + 1 for each in self.separators), 0)

    @property
    def n_features(self) -> int:
        """Features of a row besides its texts."""
        return 0 if self.features is None else self.features.width

    @property
    def n_special_tokens(self) -> int:
        """Special tokens of each row, with those between fields."""
        return self.text_encoder.n_special_tokens + len(self.separators) * (len(self.fields.texts) - 1)

    def token_id(self, token: str) -> int | None:
        """The id of a token, or None if there is no such token."""
        return self.text_encoder.token_id(token)

    def max_row_length(self, max_length: int) -> int:
        """The largest number of ids in a row of at most `max_length` tokens."""
        return self.text_encoder.max_row_length(max_length)

    def encode(self, texts: Sequence[str], max_length: int, truncation: Truncation) -> Encoded:
        """The ids of rows, and their features."""
        on_disk = text_source(texts).on_disk
        blocks = [texts] if not on_disk else (texts[at : at + BLOCK_ROWS] for at in range(0, len(texts), BLOCK_ROWS))
        return encoded.concatenate((self._encode(block, max_length, truncation) for block in blocks), on_disk)

    def _encode(self, rows: Sequence[str], max_length: int, truncation: Truncation) -> Encoded:
        whole = self.text_encoder.encode(split_texts(rows, self.fields), _NO_LIMIT, "end")
        layout = self._lay_out(whole, max_length, truncation)
        before, after = self._around(whole)
        specials = np.concatenate([before, np.array(self.separators, np.int32), after, np.zeros(1, np.int32)])
        is_token = layout.source != NOT_A_TOKEN
        ids = specials[np.where(is_token, len(specials) - 1, layout.special)]
        ids[is_token] = whole.ids[layout.source[is_token]]
        if self.second_offset:
            in_second = layout.special >= len(before) + len(self.separators)
            text = np.searchsorted(whole.row_offsets, layout.source[is_token], "right") - 1
            in_second[is_token] = text % 2 == 1
            ids = ids + self.second_offset * in_second
        features = None if self.features is None else self.features.encode(rows)
        return Encoded(ids.astype(np.int32), layout.row_offsets, layout.row_to_text, layout.n_truncated, features)

    def spans(self, text: str, max_length: int, truncation: Truncation) -> Spans:
        """The characters of a row that the ids come from."""
        values = split_texts([text], self.fields)
        whole = self.text_encoder.encode(values, _NO_LIMIT, "end")
        layout = self._lay_out(whole, max_length, truncation)
        parts, start = [], 0
        for number, value in enumerate(values):
            spans = self.text_encoder.spans(value, _NO_LIMIT, "end")
            parts.append(Spans(spans.at + whole.row_offsets[number], spans.begin + start, spans.end + start))
            start += len(value) + len(SEPARATOR)
        at, begin, end = (np.concatenate(part) for part in zip(*parts, strict=True))
        # An id may have several spans, and with windows a token may have several ids.
        low, high = np.searchsorted(at, layout.source), np.searchsorted(at, layout.source, "right")
        n_spans = high - low
        index = np.arange(n_spans.sum()) + np.repeat(low - (n_spans.cumsum() - n_spans), n_spans)
        return Spans(np.repeat(np.arange(len(n_spans)), n_spans), begin[index], end[index])

    def _lay_out(self, whole: Encoded, max_length: int, truncation: Truncation) -> Layout:
        before, after = (len(part) for part in self._around(whole))
        specials = Specials(before, len(self.separators), after)
        room = self.text_encoder.max_row_length(max_length)
        begin, end = whole.row_offsets[:-1] + before, whole.row_offsets[1:] - after
        lengths = np.concatenate([[0], end - begin]).cumsum()
        layout = field_layout.lay_out(lengths, len(self.fields.texts), room, truncation, specials)
        return layout._replace(source=_shift(layout.source, lengths, begin))

    def _around(self, whole: Encoded) -> tuple[encoded.Ids, encoded.Ids]:
        """The special tokens before and after a text, as the encoder puts them around the first one."""
        n_special = self.text_encoder.n_special_tokens
        if not n_special or not len(whole.lengths):
            return np.zeros(0, np.int32), np.zeros(0, np.int32)
        before, _, after = self.text_encoder.specials  # type: ignore[attr-defined]
        return np.array(before, np.int32), np.array(after, np.int32)

    def to_dict(self) -> JsonObject:
        """The encoder as JSON for `encoder.json`."""
        described: JsonObject = {
            "kind": KIND,
            "fields": self.fields.to_dict(),
            "separators": list(self.separators),
            "encoder": self.text_encoder.to_dict(),
        }
        if self.features is not None:
            described["features"] = self.features.to_dict()
        if self.second_offset:
            described["second_offset"] = self.second_offset
        return described


def _shift(source: Positions, lengths: Positions, begin: Positions) -> Positions:
    """Positions among the tokens of all texts -> positions among all ids, special tokens included."""
    text = np.clip(np.searchsorted(lengths, source, "right") - 1, 0, len(begin) - 1)
    return np.where(source == NOT_A_TOKEN, NOT_A_TOKEN, source + (begin - lengths[:-1])[text])


class FieldTexts(TextSource):
    """The text fields of rows, for building a vocabulary: the other fields are left out.

    Args:
        rows: The rows.
        fields: The columns of a row.
    """

    def __init__(self, rows: Sequence[str], fields: Fields) -> None:
        self._rows, self._n_texts = rows, len(fields.texts)
        self.on_disk = text_source(rows).on_disk  # type: ignore[misc]

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self._text(row) for row in self._rows[index]]
        return self._text(self._rows[index])

    def __iter__(self) -> Iterator[str]:
        return map(self._text, self._rows)

    def take(self, rows: Rows) -> list[str]:
        """The chosen texts, in that order, in a list."""
        return [self._text(row) for row in text_source(self._rows).take(rows)]

    def _text(self, row: str) -> str:
        return SEPARATOR.join(row.split(SEPARATOR, self._n_texts)[: self._n_texts])


def build(text_encoder: TextEncoder, rows: Sequence[str], fields: Fields, has_room: bool) -> RowEncoder:
    """The encoder of rows.

    Args:
        text_encoder: The encoder of one text.
        rows: Training rows.
        fields: The columns of a row.
        has_room: Whether the network has a vector for one id more than those of `text_encoder`.
    """
    separators: tuple[int, ...] = ()
    if not isinstance(text_encoder, NgramVocabulary):
        _, between, after = getattr(text_encoder, "specials", ((), (), ()))
        separators = between or after  # some tokenizers have no form for a pair; [SEP] ends their texts
        if not separators:
            separators = (text_encoder.size if has_room else 1,)
    return RowEncoder(text_encoder, fields, separators, tabular.fit(rows, fields))


def restore(description: JsonObject) -> TextEncoder:
    """The encoder that `encoder.json` describes, of rows or of texts. Raises ValueError if it describes none."""
    if description.get("kind") != KIND:
        return encoders.restore(description)
    record = Record(description, "encoder.json")
    record.refuse_unknown({"kind", "fields", "separators", "encoder", "features", "second_offset"})
    fields = Fields.from_record(record.record("fields"))
    if fields.is_single_text:
        raise record.error("fields", tr("there must be more than one column"))
    text_encoder = encoders.restore(record.record("encoder").values)
    record.items("separators", _MAX_SEPARATORS)
    separators = tuple(record.integers("separators", 1, text_encoder.size))
    features = None
    if fields.features or fields.is_pair:
        features = tabular.restore(record.record("features"), fields)
    elif "features" in description:
        raise record.error("features", tr("there are only texts"))
    offset = 0
    if "second_offset" in description:
        offset = record.integer("second_offset", text_encoder.size, MAX_TOKENS)
        if len(fields.texts) != 2:
            raise record.error(
                "second_offset", tr("there are {number} texts in a row, not 2", number=len(fields.texts))
            )
    return RowEncoder(text_encoder, fields, separators, features, offset)


def n_features(text_encoder: TextEncoder) -> int:
    """Features of a row besides the ids of its texts."""
    return text_encoder.n_features if isinstance(text_encoder, RowEncoder) else 0


def second_offset(text_encoder: TextEncoder) -> int:
    """What is added to the ids of the second text; 0: nothing."""
    return text_encoder.second_offset if isinstance(text_encoder, RowEncoder) else 0


def of_text(text_encoder: TextEncoder) -> TextEncoder:
    """The encoder of a single text: `text_encoder`, or the one that it uses."""
    return text_encoder.text_encoder if isinstance(text_encoder, RowEncoder) else text_encoder


def feature_logits(features: Matrix, kernel: Floats) -> Floats:
    """What features (texts, width), sparse, add to logits: (texts, outputs)."""
    return np.asarray(features @ kernel, np.float32)


def attribute_features(
    text_encoder: TextEncoder, rows: Encoded, kernel: Floats | None, directions: Floats
) -> list[FeatureShares]:
    """What the features of each row add to a weighted sum of its logits.

    Args:
        text_encoder: What encoded the rows.
        rows: The rows.
        kernel: (features, outputs) weights of the features.
        directions: (rows, outputs) weights of the sum.
    """
    features = text_encoder.features if isinstance(text_encoder, RowEncoder) else None
    if features is None or kernel is None or rows.features is None:
        return [()] * len(directions)
    return features.attribute(rows.features, kernel, directions)
