"""The files of SentencePiece (`spm.model`, `sentencepiece.bpe.model`, `spiece.model`), read without its package.

Such a file is one message of Protocol Buffers. The reader knows the few fields that say how a text becomes ids, skips
the others, and checks every length before it uses it.

Kudo and Richardson (2018), "SentencePiece". Fields: sentencepiece_model.proto of that project. Wire format:
https://protobuf.dev/programming-guides/encoding/
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tenor._core.language import tr
from tenor._core.records import RecordError
from tenor.text.tokenizer_checks import MAX_SCORE, MAX_TOKEN_CHARACTERS, MAX_TOKENS

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
"""Types of a piece."""
UNIGRAM, BPE = 1, 2
"""Algorithms."""

_ALGORITHMS = {UNIGRAM: "Unigram", BPE: "BPE", 3: "words", 4: "characters"}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types
_LONGEST_VARINT = 10  # bytes
_MAX_BYTES = 4 * MAX_TOKEN_CHARACTERS  # of a piece, in UTF-8
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3  # fields of the file


class Piece(NamedTuple):
    """An entry of the vocabulary: its text, its log probability (or minus its rank), and its type."""

    text: str
    score: float = 0.0
    kind: int = NORMAL


@dataclass(frozen=True)
class SentencePieceModel:
    """What a file of SentencePiece says about ids.

    Attributes:
        pieces: The vocabulary in the order of its ids.
        algorithm: `UNIGRAM` or `BPE`.
        byte_fallback: Whether an unknown character becomes its bytes.
        charsmap: The normaliser's compiled map of characters; empty: characters stay.
        normalizer: The name of that map, such as `nmt_nfkc`.
        adds_prefix: Whether a blank is put before a text.
        removes_blanks: Whether blanks at both ends are removed, and runs of them become one.
    """

    pieces: list[Piece]
    algorithm: int = UNIGRAM
    byte_fallback: bool = False
    charsmap: bytes = b""
    normalizer: str = ""
    adds_prefix: bool = True
    removes_blanks: bool = True

    @property
    def unknown(self) -> int:
        """The position of the unknown piece."""
        return next(at for at, piece in enumerate(self.pieces) if piece.kind == UNKNOWN)


class _Field(NamedTuple):
    """A field of a message: its number, and its whole number, or where its bytes begin and end."""

    number: int
    value: int
    begin: int
    end: int


def parse(data: bytes, file: str) -> SentencePieceModel:
    """Read a file of SentencePiece.

    Args:
        data: Bytes of the file.
        file: Its name, for errors.

    Raises:
        RecordError: It is truncated or damaged, or cannot be read because of its algorithm or its options.
    """
    reader = _Reader(data, file)
    pieces: list[Piece] = []
    trainer: dict[int, _Field] = {}
    normalizer: dict[int, _Field] = {}
    for field in reader.fields(0, len(data), tr("the file")):
        if field.number == _PIECES:
            if len(pieces) == MAX_TOKENS:
                raise RecordError(file, "", tr("it has more than {max_tokens:,} pieces", max_tokens=MAX_TOKENS))
            pieces.append(reader.piece(field, len(pieces)))
        elif field.number in (_TRAINER, _NORMALIZER):
            target = trainer if field.number == _TRAINER else normalizer
            target.update({inner.number: inner for inner in reader.fields(field.begin, field.end, tr("its options"))})
    model = SentencePieceModel(
        pieces=pieces,
        algorithm=_number(trainer, 3, UNIGRAM),
        byte_fallback=bool(_number(trainer, 35, 0)),
        charsmap=_bytes(data, normalizer, 2),
        normalizer=_bytes(data, normalizer, 1).decode("ascii", "replace"),
        adds_prefix=bool(_number(normalizer, 3, 1)),
        removes_blanks=bool(_number(normalizer, 4, 1)),
    )
    suffix, escapes = bool(_number(trainer, 24, 0)), bool(_number(normalizer, 5, 1))
    _check(model, file, suffix or not escapes)
    return model


def _number(fields: dict[int, _Field], number: int, default: int) -> int:
    return fields[number].value if number in fields else default


def _bytes(data: bytes, fields: dict[int, _Field], number: int) -> bytes:
    return data[fields[number].begin : fields[number].end] if number in fields else b""


def _check(model: SentencePieceModel, file: str, has_other_blanks: bool) -> None:
    if not model.pieces:
        raise RecordError(file, "", tr("it is not a file of SentencePiece: it has no pieces"))
    if model.algorithm not in (UNIGRAM, BPE):
        name = _ALGORITHMS.get(model.algorithm, str(model.algorithm))
        raise RecordError(file, "", tr("its algorithm is {name}; Unigram and BPE are known", name=name))
    if has_other_blanks:
        raise RecordError(file, "", tr("it marks blanks in another way than with ▁ before a word"))
    if sum(piece.kind == UNKNOWN for piece in model.pieces) != 1:
        raise RecordError(file, "", tr("it does not have exactly one unknown piece"))
    if len({piece.text for piece in model.pieces}) < len(model.pieces):
        raise RecordError(file, "", tr("a piece occurs twice"))
    n_bytes = sum(piece.kind == BYTE for piece in model.pieces)
    if model.byte_fallback and n_bytes != 256:
        raise RecordError(file, "", tr("it has {n_bytes} of the 256 bytes", n_bytes=n_bytes))


class _Reader:
    """Reads the messages of one file.

    Args:
        data: Bytes of the file.
        file: Its name, for errors.
    """

    def __init__(self, data: bytes, file: str) -> None:
        self._data, self._file = data, file

    def fields(self, begin: int, end: int, where: str) -> Iterator[_Field]:
        """The fields of the message in `data[begin:end]`, in their order."""
        data, at = self._data, begin
        while at < end:
            key, at = self._varint(at, end, where)
            wire = key & 7
            value, size = 0, 0
            if wire == _VARINT:
                value, at = self._varint(at, end, where)
            elif wire == _BYTES:
                size, at = self._varint(at, end, where)
            elif wire in (_FIXED32, _FIXED64):
                size = 4 if wire == _FIXED32 else 8
            else:
                raise self._error(at, tr("{where} has a field of the unknown kind {wire}", where=where, wire=wire))
            if size > end - at:
                raise self._error(at, tr("{where} ends too early", where=where))
            if wire == _FIXED32:
                value = int.from_bytes(data[at : at + 4], "little")
            yield _Field(key >> 3, value, at, at + size)
            at += size

    def piece(self, field: _Field, number: int) -> Piece:
        """The piece that a field contains."""
        data, (_, _, begin, end) = self._data, field
        # Nearly all pieces are: text of under 128 bytes, score, and a type or none. This is three times as fast.
        middle = begin + 2 + data[begin + 1] if end - begin > 6 else end
        if middle + 5 <= end and data[begin] == 0x0A and data[begin + 1] < 0x80 and data[middle] == 0x15:
            rest = data[middle + 5 : end]
            if not rest or (len(rest) == 2 and rest[0] == 0x18):
                (score,) = struct.unpack_from("<f", data, middle + 1)
                return self._checked(data[begin + 2 : middle], score, rest[1] if rest else NORMAL, number)
        text, score, kind = b"", 0.0, NORMAL
        for inner in self.fields(begin, end, tr("piece {number:,}", number=number)):
            if inner.number == 1:
                text = data[inner.begin : inner.end]
            elif inner.number == 2:
                (score,) = struct.unpack("<f", (inner.value & 0xFFFFFFFF).to_bytes(4, "little"))
            elif inner.number == 3:
                kind = inner.value
        return self._checked(text, score, kind, number)

    def _checked(self, text: bytes, score: float, kind: int, number: int) -> Piece:
        try:
            decoded = text.decode() if len(text) <= _MAX_BYTES else ""
        except UnicodeDecodeError:
            raise RecordError(self._file, f"pieces[{number}]", tr("it is not UTF-8")) from None
        if not 0 < len(decoded) <= MAX_TOKEN_CHARACTERS:
            problem = tr(
                "it has {n_text:,} bytes; from 1 character to {max_token_characters:,} are allowed",
                n_text=len(text),
                max_token_characters=MAX_TOKEN_CHARACTERS,
            )
            raise RecordError(self._file, f"pieces[{number}]", problem)
        if not (math.isfinite(score) and abs(score) <= MAX_SCORE):
            raise RecordError(self._file, f"pieces[{number}]", tr("its score is not a usable number"))
        if not NORMAL <= kind <= BYTE:
            raise RecordError(self._file, f"pieces[{number}]", tr("its type {kind} is not known", kind=kind))
        return Piece(decoded, score, kind)

    def _varint(self, at: int, end: int, where: str) -> tuple[int, int]:
        """A whole number from 0 to 2^64 - 1, and where it ends."""
        value = 0
        for count in range(_LONGEST_VARINT):
            if at >= end:
                raise self._error(at, tr("{where} ends too early", where=where))
            byte = self._data[at]
            at += 1
            value |= (byte & 0x7F) << (7 * count)
            if byte < 0x80:
                return value & (1 << 64) - 1, at
        raise self._error(
            at,
            tr("{where} has a number of more than {longest_varint} bytes", where=where, longest_varint=_LONGEST_VARINT),
        )

    def _error(self, at: int, problem: str) -> RecordError:
        return RecordError(
            self._file, "", tr("it is truncated or damaged: {problem} (byte {at:,})", problem=problem, at=at)
        )
