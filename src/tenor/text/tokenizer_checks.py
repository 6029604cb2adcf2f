"""Checks of the fields of a tokenizer.json: their types and bounds."""

import base64
import binascii
from collections.abc import Callable

from tenor._core.language import tr
from tenor._core.records import Record

Check = Callable[[Record, str], object]
"""(record, field) -> anything. It raises RecordError if the field does not fit."""

MAX_TOKENS = 4_000_000
"""The most tokens, and one more than the largest id."""
MAX_TOKEN_CHARACTERS = 1_024
MAX_SCORE = 1e6
"""The largest absolute value of a log probability."""

_MAX_PIECE = 16  # characters of what is put before a text, or splits it
_MAX_WORD = 1_000  # characters of a word in WordPiece, which takes quadratic time
_MAX_SPECIAL = 32  # tokens around a text
_MAX_MAP_BYTES = 4 << 20  # XLM-RoBERTa's map has 240,000
_MAX_MAPPED_BYTES = 96  # that a character may become; the longest of NFKC has 33

PATTERNS = frozenset(
    {
        # SentencePiece: several blanks are one, and there are none at the ends.
        " {2,}",
        r"\A |(?<![ ▁])[ ▁]++\z",
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


def flag(record: Record, key: str) -> None:
    """A boolean, or missing: older files leave some out."""
    if record.values.get(key) is not None:
        record.boolean(key)


def piece(record: Record, key: str) -> None:
    """A short string."""
    if not record.string(key, _MAX_PIECE):
        raise record.error(key, tr("it is empty"))


def optional_piece(record: Record, key: str) -> None:
    """A short string, or missing."""
    if record.values.get(key) is not None:
        record.string(key, _MAX_PIECE)


def optional_token(record: Record, key: str) -> None:
    """A token, or missing."""
    if record.values.get(key) is not None:
        record.string(key, MAX_TOKEN_CHARACTERS)


def character(record: Record, key: str) -> None:
    """One character."""
    if len(record.string(key)) != 1:
        raise record.error(key, tr("it is not one character"))


def pattern(record: Record, key: str) -> None:
    """A short string, or one of the regular expressions of known encoders."""
    pattern = record.record(key)
    if "Regex" in pattern.values:
        if pattern.string("Regex") not in PATTERNS:
            raise pattern.error("Regex", tr("no known encoder has this pattern"))
        pattern.refuse_unknown(("Regex",))
    else:
        piece(pattern, "String")
        pattern.refuse_unknown(("String",))


def replacement(record: Record, key: str) -> None:
    """A replacement that is not longer than what it replaces, so that no chain of them grows."""
    pattern = record.values["pattern"]
    longest = len(pattern["String"]) if "String" in pattern else 1
    if len(record.string(key)) > longest:
        raise record.error(key, tr("it is longer than what it replaces"))


def charsmap(record: Record, key: str) -> None:
    """A character map of SentencePiece: the length of a trie, the trie, and its strings, ended by zeros."""
    text = record.string(key, _MAX_MAP_BYTES)
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise record.error(key, tr("it is not base64")) from None
    length = int.from_bytes(data[:4], "little")
    if len(data) < 8 or length % 4 or not 0 < length <= len(data) - 4:
        raise record.error(key, tr("its trie has another length than it states"))
    if max(map(len, data[4 + length :].split(b"\0"))) > _MAX_MAPPED_BYTES:
        raise record.error(
            key, tr("it makes more than {max_mapped_bytes} bytes of a character", max_mapped_bytes=_MAX_MAPPED_BYTES)
        )


def one_of(*choices: str) -> Check:
    """A check for one of some strings."""
    return lambda record, key: record.choice(key, choices)


def optional_one_of(*choices: str) -> Check:
    """A check for one of some strings, or for a missing field."""
    return lambda record, key: None if record.values.get(key) is None else record.choice(key, choices)


def parts(record: Record, key: str) -> None:
    """A list of further parts, which `tokenizer_json` checks."""


def vocabulary(record: Record, key: str) -> None:
    """Tokens with distinct ids."""
    tokens = record.record(key)
    if not 0 < len(tokens.values) <= MAX_TOKENS:
        raise record.error(
            key,
            tr(
                "it has {n_values:,} tokens; from 1 to {max_tokens:,} are allowed",
                n_values=len(tokens.values),
                max_tokens=MAX_TOKENS,
            ),
        )
    for token, number in tokens.values.items():
        if type(number) is not int or not 0 <= number < MAX_TOKENS:
            tokens.integer(token, 0, MAX_TOKENS - 1)
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise record.error(
                key,
                tr(
                    "a token has {n_token:,} characters, and {max_token_characters:,} are allowed",
                    n_token=len(token),
                    max_token_characters=MAX_TOKEN_CHARACTERS,
                ),
            )
    if len(set(tokens.values.values())) < len(tokens.values):
        raise record.error(key, tr("two tokens have the same id"))


def merges(record: Record, key: str) -> None:
    """Pairs of tokens. Older files have strings with a blank between the two."""
    merges = record.items(key, MAX_TOKENS)
    for number, merge in enumerate(merges):
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) and part for part in pair)):
            raise record.error(f"{key}[{number}]", tr("it is not a pair of tokens"))


def scored_vocabulary(record: Record, key: str) -> None:
    """The vocabulary of Unigram: tokens with their log probabilities."""
    tokens = record.items(key, MAX_TOKENS)
    names = set()
    for number, pair in enumerate(tokens):
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and len(pair[0]) > 0):
            raise record.error(f"{key}[{number}]", tr("it is not a token with a score"))
        token, score = pair
        if type(score) not in (int, float) or not abs(score) <= MAX_SCORE:
            raise record.error(f"{key}[{number}]", tr("its score is not a usable number"))
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise record.error(f"{key}[{number}]", tr("it has {n_token:,} characters", n_token=len(token)))
        names.add(token)
    if not tokens or len(names) < len(tokens):
        raise record.error(key, tr("a token occurs twice, or there is none"))


def unknown_id(record: Record, key: str) -> None:
    """The position of a token in the vocabulary, or missing."""
    if record.values.get(key) is not None:
        record.integer(key, 0, len(record.values["vocab"]) - 1)


def no_dropout(record: Record, key: str) -> None:
    """No dropout, which would draw at random how a text is split."""
    if record.values.get(key) not in (None, 0, 0.0):
        raise record.error(key, tr("it draws at random how a text is split"))


def max_word_characters(record: Record, key: str) -> None:
    """The longest word that is looked up."""
    record.integer(key, 1, _MAX_WORD)


def unknown_token(record: Record, key: str) -> None:
    """A token of the vocabulary."""
    if record.string(key, MAX_TOKEN_CHARACTERS) not in record.values["vocab"]:
        raise record.error(key, tr("it is not a token of the vocabulary"))


def token_and_id(record: Record, key: str) -> None:
    """A list of a token and its id."""
    items = record.items(key, 2)
    if len(items) != 2 or not isinstance(items[0], str):
        raise record.error(key, tr("it is not a token with its id"))
    Record({"id": items[1]}, record.file, record.path).integer("id", 0, MAX_TOKENS - 1)


def template(record: Record, key: str) -> None:
    """The special tokens around a text. The second text of a pair is never used."""
    texts = []
    for piece in record.records(key, _MAX_SPECIAL):
        piece.refuse_unknown(("SpecialToken", "Sequence"))
        if len(piece.values) != 1:
            raise piece.error("", tr("it is neither a text nor a token"))
        inner = piece.record("Sequence" if "Sequence" in piece.values else "SpecialToken")
        inner.refuse_unknown(("id", "type_id"))
        name = inner.string("id", MAX_TOKEN_CHARACTERS)
        if "Sequence" in piece.values:
            texts.append(name)
        elif name not in record.record("special_tokens").values:
            raise inner.error("id", tr("it is not one of the special tokens"))
        inner.integer("type_id", 0, 255)
    if key == "single" and texts != ["A"]:
        raise record.error(key, tr("it does not hold the text once"))
    if len(texts) > len(set(texts)) or not {"A", "B"}.issuperset(texts):
        raise record.error(key, tr("it holds a text twice"))


def special_tokens(record: Record, key: str) -> None:
    """The special tokens of a template, each with its ids."""
    tokens = record.record(key)
    if len(tokens.values) > _MAX_SPECIAL:
        raise record.error(key, tr("there are more than {max_special}", max_special=_MAX_SPECIAL))
    for name in tokens.values:
        token = tokens.record(name)
        token.refuse_unknown(("id", "ids", "tokens"))
        token.string("id", MAX_TOKEN_CHARACTERS)
        if not len(token.integers("ids", 0, MAX_TOKENS - 1)) == len(token.strings("tokens")) <= _MAX_SPECIAL:
            raise token.error("ids", tr("there is not one for each token"))
