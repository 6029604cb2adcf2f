"""A model of SentencePiece -> the content of a tokenizer.json, which makes the same ids.

The normaliser of SentencePiece maps characters, removes blanks, puts one before the text, and writes a blank as U+2581.
Here each of these is one step of the normaliser of `tokenizers`.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from tenor._core.language import tr
from tenor._core.records import JsonObject, RecordError
from tenor.text.sentencepiece_model import (
    BPE,
    CONTROL,
    NORMAL,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    Piece,
    SentencePieceModel,
)

BLANK = "\u2581"

_COMMA_PENALTY = 100.0
_UNICODE_FORMS = ("nfkc", "nmt_nfkc", "nfkc_cf", "nmt_nfkc_cf")  # names of character maps that compose characters


@dataclass(frozen=True)
class Layout:
    """How an encoder arranges the pieces as ids, and the special tokens around texts.

    Attributes:
        first: Tokens that take the ids from 0.
        skipped: The number of pieces that these tokens stand for.
        last: Tokens after the pieces.
        before: The token before a text.
        after: The token after a text.
        between: The tokens between two texts.
        splits_numbers: Whether no piece ends with a comma after a digit (ALBERT).
    """

    first: tuple[str, ...] = ()
    skipped: int = 0
    last: tuple[str, ...] = ()
    before: str = "[CLS]"
    after: str = "[SEP]"
    between: tuple[str, ...] = ("[SEP]",)
    splits_numbers: bool = False


def specification(
    model: SentencePieceModel, layout: Layout, file: str, normalizers: Sequence[JsonObject] = ()
) -> JsonObject:
    """The content of a tokenizer.json.

    Args:
        model: The model of SentencePiece.
        layout: Ids and special tokens of the encoder.
        file: Name of the model's file, for errors.
        normalizers: Steps before the model's own.

    Raises:
        RecordError: A token of the layout does not exist, or the model cannot be expressed.
    """
    if any(piece.kind not in (UNKNOWN, CONTROL) for piece in model.pieces[: layout.skipped]):
        raise RecordError(file, "", tr("its first {skipped} pieces are not special tokens", skipped=layout.skipped))
    pieces = _arrange(model, layout)
    ids = {piece.text: number for number, piece in enumerate(pieces)}
    if len(ids) < len(pieces):
        raise RecordError(file, "", tr("a special token of the encoder is also a piece"))
    if missing := [token for token in (layout.before, layout.after, *layout.between) if token not in ids]:
        raise RecordError(file, "", tr("there is no token {missing}", missing=missing[0]))
    unigram = model.algorithm != BPE
    if not unigram and any(piece.kind in (UNUSED, USER_DEFINED) for piece in pieces):
        raise RecordError(file, "", tr("it has pieces that a user defined, which are known for Unigram alone"))
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            _added_token(piece, number)
            for number, piece in enumerate(pieces)
            if piece.kind in (CONTROL, UNUSED, UNKNOWN)
        ],
        "normalizer": {"type": "Sequence", "normalizers": [*normalizers, *_normalizers(model)]},
        "pre_tokenizer": _pre_tokenizer(pieces),
        "post_processor": _post_processor(layout, ids),
        "decoder": None,
        "model": _unigram(model, pieces, layout) if unigram else _bpe(model, ids, pieces),
    }


def _arrange(model: SentencePieceModel, layout: Layout) -> list[Piece]:
    """All tokens in the order of their ids. Those that only the encoder has are control pieces."""
    unknown = model.pieces[model.unknown].text
    first = [Piece(token, 0.0, UNKNOWN if token == unknown else CONTROL) for token in layout.first]
    rest = model.pieces[layout.skipped :]
    known = {piece.text for piece in (*first, *rest)}
    last = [Piece(token, 0.0, CONTROL) for token in layout.last if token not in known]
    return [*first, *rest, *last]


def _added_token(piece: Piece, number: int) -> JsonObject:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {"id": number, "content": piece.text, **flags, "special": True}


def _normalizers(model: SentencePieceModel) -> list[JsonObject]:
    steps: list[JsonObject] = []
    if model.charsmap:
        # `Precompiled` maps single characters well. Of several that the map composes, it may lose some.
        compose: list[JsonObject] = [{"type": "NFC"}] if model.normalizer in _UNICODE_FORMS else []
        table = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(model.charsmap).decode()}
        steps += [*compose, table, *compose]
    if model.removes_blanks:
        steps.append({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "})
        steps.append({"type": "Replace", "pattern": {"Regex": f"\\A |(?<![ {BLANK}])[ {BLANK}]++\\z"}, "content": ""})
    if model.adds_prefix:
        steps.append({"type": "Prepend", "prepend": BLANK})
    return [*steps, {"type": "Replace", "pattern": {"String": " "}, "content": BLANK}]


def _pre_tokenizer(pieces: Sequence[Piece]) -> JsonObject | None:
    """The split into words, if no piece crosses one: it changes no id, and words are looked up in a cache."""
    in_words = (piece.text.rfind(BLANK) <= 0 for piece in pieces if piece.kind in (NORMAL, USER_DEFINED))
    if not all(in_words) or all(piece.text != BLANK for piece in pieces):
        return None
    return {"type": "Metaspace", "replacement": BLANK, "prepend_scheme": "never", "split": True}


def _post_processor(layout: Layout, ids: dict[str, int]) -> JsonObject:
    def token(name: str, text: int = 0) -> JsonObject:
        return {"SpecialToken": {"id": name, "type_id": text}}

    def text(name: str, number: int) -> JsonObject:
        return {"Sequence": {"id": name, "type_id": number}}

    single = [token(layout.before), text("A", 0), token(layout.after)]
    between = [token(name) for name in layout.between]
    names = {layout.before, layout.after, *layout.between}
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single[:2], *between, text("B", 1), token(layout.after, 1)],
        "special_tokens": {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in sorted(names)},
    }


def _unigram(model: SentencePieceModel, pieces: Sequence[Piece], layout: Layout) -> JsonObject:
    best = max((piece.score for piece in pieces if piece.kind == NORMAL), default=0.0)
    vocabulary = []
    for text, score, kind in pieces:
        if kind == USER_DEFINED:  # as SentencePiece scores it: nearly as good as the best piece for each byte
            score = len(text.encode()) * best - 0.1
        elif layout.splits_numbers and len(text) > 1 and text[-1] == "," and text[-2].isdigit():
            score -= _COMMA_PENALTY
        vocabulary.append([text, score])
    unknown = next(at for at, piece in enumerate(pieces) if piece.kind == UNKNOWN)
    return {"type": "Unigram", "unk_id": unknown, "vocab": vocabulary, "byte_fallback": model.byte_fallback}


def _bpe(model: SentencePieceModel, ids: dict[str, int], pieces: Sequence[Piece]) -> JsonObject:
    """A piece is merged from any two pieces that it consists of. Pieces of higher scores are merged first."""
    merges = []
    normal = {piece.text for piece in pieces if piece.kind == NORMAL}
    for piece in sorted((piece for piece in pieces if piece.kind == NORMAL), key=lambda piece: -piece.score):
        text = piece.text
        merges += [[text[:at], text[at:]] for at in range(1, len(text)) if text[:at] in normal and text[at:] in normal]
    return {
        "type": "BPE",
        "vocab": ids,
        "merges": merges,
        "dropout": None,
        "unk_token": model.pieces[model.unknown].text,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": True,
        "byte_fallback": model.byte_fallback,
        "ignore_merges": False,
    }
