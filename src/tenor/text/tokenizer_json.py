"""Which tokenizers are built from a tokenizer.json: those that Tenor writes, and those of known encoders.

A tokenizer is a small program, and the package `tokenizers` runs any: a chain of replacements that grows a text a
million times, a pattern that takes ages, a table with an index out of range, which ends in a panic. So each part is
looked up in the tables below by its type, and each of its fields has a type and bounds. To allow another type, add a
line.

What a part may cost is linear in the text: replacements do not make a text longer, patterns are some that known
encoders have, and each chain of parts is short.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from tenor._core.records import Record, RecordError

FILE = "tokenizer.json"
MOST_TOKENS = 4_000_000
"""Tokens, and one more than the largest id, at most."""

_MOST_STEPS = 12  # of normalisers, and of pre-tokenisers, one in the other counted too
_MOST_ADDED = 20_000
_LONGEST_TOKEN = 1_024  # characters
_LONGEST_PIECE = 16  # characters of what is put before a text, or splits it
_LONGEST_WORD = 1_000  # characters of a word in WordPiece, whose time is its square
_LARGEST_SCORE = 1e6
_MOST_SPECIAL = 32  # around a text
_LARGEST_MAP = 4 << 20  # bytes; XLM-RoBERTa's has 240,000
_LONGEST_MAPPED = 96  # bytes that a character may become: the longest of NFKC has 33

PATTERNS = frozenset(
    {
        # SentencePiece: several blanks are one.
        " {2,}",
        # GPT-2, and the byte-level tokenizers after it.
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        # Llama 3, with three digits at once, and Qwen 2, with one.
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+",
    }
)
"""The regular expressions that may stand in a tokenizer."""

Check = Callable[[Record, str], object]
"""(record, field) -> anything; raises RecordError where the field does not fit."""


def plain(specification: dict[str, Any]) -> dict[str, Any]:
    """What of a tokenizer.json turns a text into ids, once all of it has been checked.

    The decoder is left out, since ids are never turned back, and so are cutting and padding, which are done elsewhere.

    Raises:
        RecordError: A part is of another type than those that are known, or a field is out of bounds.
    """
    if not isinstance(specification, dict):
        raise RecordError(FILE, "", "it is not an object")
    record = Record(specification, FILE)
    record.only(("version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor",
                 "decoder", "model"))  # fmt: skip
    for key, most in (("normalizer", _NORMALIZERS), ("pre_tokenizer", _PRE_TOKENIZERS), ("post_processor", _POST)):
        if specification.get(key) is not None:
            _part(record.record(key), most, [])
    _part(record.record("model"), _MODELS, [])
    _added(record)
    return {**specification, "truncation": None, "padding": None, "decoder": None}


def largest_id(specification: dict[str, Any]) -> int:
    """The largest id of a specification that `plain` took."""
    vocabulary = specification["model"]["vocab"]
    ids = vocabulary.values() if isinstance(vocabulary, dict) else range(len(vocabulary))
    return max(max(ids), max((token["id"] for token in specification.get("added_tokens") or ()), default=0))


def _part(record: Record, kinds: Mapping[str, Mapping[str, Check]], steps: list[str]) -> None:
    """Check a part, and the parts in it. `steps` gets the types of those that do something, in their order."""
    kind = record.choice("type", kinds)
    checks = kinds[kind]
    record.only(("type", *checks))
    steps.append(kind)
    if len(steps) > _MOST_STEPS:
        raise record.error("type", f"there are more than {_MOST_STEPS} steps")
    if kind == "Precompiled" and steps.count(kind) > 1:
        raise record.error("type", "there may be one such step")
    for key, check in checks.items():
        if key in _LISTS:
            for inner in record.records(key, _MOST_STEPS):
                _part(inner, kinds, steps)
        else:
            check(record, key)


def _flag(record: Record, key: str) -> None:
    if record.values.get(key) is not None:  # older files leave some out
        record.flag(key)


def _piece(record: Record, key: str) -> None:
    if not record.text(key, _LONGEST_PIECE):
        raise record.error(key, "it is empty")


def _optional_piece(record: Record, key: str) -> None:
    if record.values.get(key) is not None:
        record.text(key, _LONGEST_PIECE)


def _optional_token(record: Record, key: str) -> None:
    if record.values.get(key) is not None:
        record.text(key, _LONGEST_TOKEN)


def _character(record: Record, key: str) -> None:
    if len(record.text(key)) != 1:
        raise record.error(key, "it is not one character")


def _pattern(record: Record, key: str) -> None:
    pattern = record.record(key)
    if "Regex" in pattern.values:
        if pattern.text("Regex") not in PATTERNS:
            raise pattern.error("Regex", "this pattern is none of those that known encoders have")
        pattern.only(("Regex",))
    else:
        _piece(pattern, "String")
        pattern.only(("String",))


def _replacement(record: Record, key: str) -> None:
    """What a text is replaced by is no longer than what it replaces, so that no chain of them grows."""
    pattern = record.values["pattern"]
    longest = len(pattern["String"]) if "String" in pattern else 1
    if len(record.text(key)) > longest:
        raise record.error(key, "it is longer than what it replaces")


def _charsmap(record: Record, key: str) -> None:
    """A table of SentencePiece: the length of a trie, the trie, and what it points at, ended by zeros."""
    text = record.text(key, _LARGEST_MAP)
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise record.error(key, "it is not base64") from None
    length = int.from_bytes(data[:4], "little")
    if len(data) < 8 or length % 4 or not 0 < length <= len(data) - 4:
        raise record.error(key, "its trie has another length than it says")
    if max(map(len, data[4 + length :].split(b"\0"))) > _LONGEST_MAPPED:
        raise record.error(key, f"it makes more than {_LONGEST_MAPPED} bytes of a character")


def _choice(*choices: str) -> Check:
    return lambda record, key: record.choice(key, choices)


def _optional_choice(*choices: str) -> Check:
    return lambda record, key: None if record.values.get(key) is None else record.choice(key, choices)


def _parts(record: Record, key: str) -> None:
    """Stands for a list of further parts, which `_part` looks at."""


def _vocabulary(record: Record, key: str) -> None:
    tokens = record.record(key)
    if not 0 < len(tokens.values) <= MOST_TOKENS:
        raise record.error(key, f"it has {len(tokens.values):,} tokens; from 1 to {MOST_TOKENS:,} are allowed")
    for token, number in tokens.values.items():
        if type(number) is not int or not 0 <= number < MOST_TOKENS:
            tokens.whole(token, 0, MOST_TOKENS - 1)
        if len(token) > _LONGEST_TOKEN:
            raise record.error(key, f"a token has {len(token):,} characters, and {_LONGEST_TOKEN:,} are allowed")
    if len(set(tokens.values.values())) < len(tokens.values):
        raise record.error(key, "two tokens have the same id")


def _merges(record: Record, key: str) -> None:
    """Pairs, or as older files have them, strings with a blank between the two."""
    merges = record.items(key, MOST_TOKENS)
    for number, merge in enumerate(merges):
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) and part for part in pair)):
            raise record.error(f"{key}[{number}]", "it is no pair of tokens")


def _scored(record: Record, key: str) -> None:
    """The vocabulary of Unigram: tokens with the logarithms of their probabilities."""
    tokens = record.items(key, MOST_TOKENS)
    names = set()
    for number, pair in enumerate(tokens):
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and len(pair[0]) > 0):
            raise record.error(f"{key}[{number}]", "it is no token with a score")
        token, score = pair
        if type(score) not in (int, float) or not abs(score) <= _LARGEST_SCORE:
            raise record.error(f"{key}[{number}]", "its score is no number that can be used")
        if len(token) > _LONGEST_TOKEN:
            raise record.error(f"{key}[{number}]", f"it has {len(token):,} characters")
        names.add(token)
    if not tokens or len(names) < len(tokens):
        raise record.error(key, "a token stands there twice, or there is none")


def _unknown_id(record: Record, key: str) -> None:
    if record.values.get(key) is not None:
        record.whole(key, 0, len(record.values["vocab"]) - 1)


def _no_dropout(record: Record, key: str) -> None:
    if record.values.get(key) not in (None, 0, 0.0):
        raise record.error(key, "it draws at random how a text is split")


def _longest_word(record: Record, key: str) -> None:
    record.whole(key, 1, _LONGEST_WORD)


def _unknown_token(record: Record, key: str) -> None:
    if record.text(key, _LONGEST_TOKEN) not in record.values["vocab"]:
        raise record.error(key, "it is no token of the vocabulary")


def _named_id(record: Record, key: str) -> None:
    """A token and its id, as a list of two."""
    items = record.items(key, 2)
    if len(items) != 2 or not isinstance(items[0], str):
        raise record.error(key, "it is no token with its id")
    Record({"id": items[1]}, record.file, record.path).whole("id", 0, MOST_TOKENS - 1)


def _template(record: Record, key: str) -> None:
    """What stands around a text; the second text of a pair is never used."""
    texts = []
    for piece in record.records(key, _MOST_SPECIAL):
        piece.only(("SpecialToken", "Sequence"))
        if len(piece.values) != 1:
            raise piece.error("", "it is neither a text nor a token")
        inner = piece.record("Sequence" if "Sequence" in piece.values else "SpecialToken")
        inner.only(("id", "type_id"))
        name = inner.text("id", _LONGEST_TOKEN)
        if "Sequence" in piece.values:
            texts.append(name)
        elif name not in record.record("special_tokens").values:
            raise inner.error("id", "it is none of the special tokens")
        inner.whole("type_id", 0, 255)
    if key == "single" and texts != ["A"]:
        raise record.error(key, "it does not hold the text once")
    if len(texts) > len(set(texts)) or not {"A", "B"}.issuperset(texts):
        raise record.error(key, "it holds a text twice")


def _special_tokens(record: Record, key: str) -> None:
    tokens = record.record(key)
    if len(tokens.values) > _MOST_SPECIAL:
        raise record.error(key, f"there are more than {_MOST_SPECIAL}")
    for name in tokens.values:
        token = tokens.record(name)
        token.only(("id", "ids", "tokens"))
        token.text("id", _LONGEST_TOKEN)
        if not len(token.wholes("ids", 0, MOST_TOKENS - 1)) == len(token.texts("tokens")) <= _MOST_SPECIAL:
            raise token.error("ids", "there is not one for each token")


def _added(record: Record) -> None:
    if record.values.get("added_tokens") is None:
        return
    for token in record.records("added_tokens", _MOST_ADDED):
        token.only(("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"))
        token.whole("id", 0, MOST_TOKENS - 1)
        if not token.text("content", _LONGEST_TOKEN):
            raise token.error("content", "it is empty")
        for key in ("single_word", "lstrip", "rstrip", "normalized", "special"):
            token.flag(key)


_LISTS = ("normalizers", "pretokenizers", "processors")

_NORMALIZERS: dict[str, dict[str, Check]] = {
    "Sequence": {"normalizers": _parts},
    "BertNormalizer": dict.fromkeys(("clean_text", "handle_chinese_chars", "strip_accents", "lowercase"), _flag),
    "NFC": {},
    "NFD": {},
    "NFKC": {},
    "NFKD": {},
    "Nmt": {},
    "Lowercase": {},
    "StripAccents": {},
    "Strip": {"strip_left": _flag, "strip_right": _flag},
    "Prepend": {"prepend": _piece},
    "Replace": {"pattern": _pattern, "content": _replacement},
    "Precompiled": {"precompiled_charsmap": _charsmap},
}
_PRE_TOKENIZERS: dict[str, dict[str, Check]] = {
    "Sequence": {"pretokenizers": _parts},
    "BertPreTokenizer": {},
    "Whitespace": {},
    "WhitespaceSplit": {},
    "ByteLevel": {"add_prefix_space": _flag, "trim_offsets": _flag, "use_regex": _flag},
    "Metaspace": {
        "replacement": _character,
        "add_prefix_space": _flag,
        "prepend_scheme": _optional_choice("always", "never", "first"),
        "split": _flag,
        "str_rep": _optional_piece,
    },
    "Punctuation": {
        "behavior": _optional_choice("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")
    },
    "Digits": {"individual_digits": _flag},
    "Split": {
        "pattern": _pattern,
        "behavior": _choice("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"),
        "invert": _flag,
    },
}
_POST: dict[str, dict[str, Check]] = {
    "Sequence": {"processors": _parts},
    "BertProcessing": {"sep": _named_id, "cls": _named_id},
    "RobertaProcessing": {"sep": _named_id, "cls": _named_id, "trim_offsets": _flag, "add_prefix_space": _flag},
    "ByteLevel": {"add_prefix_space": _flag, "trim_offsets": _flag, "use_regex": _flag},
    "TemplateProcessing": {"single": _template, "pair": _template, "special_tokens": _special_tokens},
}
_MODELS: dict[str, dict[str, Check]] = {
    "WordPiece": {
        "vocab": _vocabulary,
        "unk_token": _unknown_token,
        "continuing_subword_prefix": _optional_piece,
        "max_input_chars_per_word": _longest_word,
    },
    "BPE": {
        "vocab": _vocabulary,
        "merges": _merges,
        "dropout": _no_dropout,
        "unk_token": _optional_token,
        "continuing_subword_prefix": _optional_piece,
        "end_of_word_suffix": _optional_piece,
        "fuse_unk": _flag,
        "byte_fallback": _flag,
        "ignore_merges": _flag,
    },
    "Unigram": {"vocab": _scored, "unk_id": _unknown_id, "byte_fallback": _flag},
}
