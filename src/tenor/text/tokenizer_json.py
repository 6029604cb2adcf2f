"""Which tokenizers are built from a tokenizer.json: those that Tenor writes, and those of known encoders.

A tokenizer is a small program, and the package `tokenizers` runs any program: a chain of replacements that makes a text
a million times longer, a pattern that takes ages, a table with an index out of range, which ends in a panic. So the
tables below list every allowed part by its type, with a check for each of its fields. To allow another type, add a
line.

The cost of a part is linear in the text. Replacements do not make a text longer, patterns are those of known encoders,
and each chain of parts is short.
"""

from collections.abc import Mapping

from tenor._core.language import tr
from tenor._core.records import JsonObject, Record, RecordError
from tenor.text.tokenizer_checks import (
    MAX_TOKEN_CHARACTERS,
    MAX_TOKENS,
    Check,
    character,
    charsmap,
    flag,
    max_word_characters,
    merges,
    no_dropout,
    one_of,
    optional_one_of,
    optional_piece,
    optional_token,
    parts,
    pattern,
    piece,
    replacement,
    scored_vocabulary,
    special_tokens,
    template,
    token_and_id,
    unknown_id,
    unknown_token,
    vocabulary,
)

FILE = "tokenizer.json"

_MAX_STEPS = 16  # of normalisers, and of pre-tokenisers, nested ones counted too
_MAX_ADDED = 20_000
_PADDING_NAMES = ("[PAD]", "<pad>")
_NEVER = " \u2581 "  # never occurs in a text, as blanks have become U+2581


_PARTS = (
    *("version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor"),
    *("decoder", "model"),
)


def plain(specification: JsonObject) -> JsonObject:
    """Check a tokenizer.json, and return the part of it that turns a text into ids.

    The decoder is left out, since ids are never turned back. Truncation and padding are done elsewhere.

    Raises:
        RecordError: A part has an unknown type, or a field is out of bounds.
    """
    if not isinstance(specification, dict):
        raise RecordError(FILE, "", tr("it is not an object"))
    record = Record(specification, FILE)
    record.refuse_unknown(_PARTS)
    for key, kinds in (("normalizer", _NORMALIZERS), ("pre_tokenizer", _PRE_TOKENIZERS), ("post_processor", _POST)):
        if specification.get(key) is not None:
            _check_part(record.record(key), kinds, [])
    _check_part(record.record("model"), _MODELS, [])
    _check_added_tokens(record)
    return _hide_special({**specification, "truncation": None, "padding": None, "decoder": None})


def _hide_special(specification: JsonObject) -> JsonObject:
    """Rename the special tokens of a Unigram vocabulary, so that none is found in a text that contains its name.

    The other models never make such a token, as no merge leads to it, or its name is several words.
    """
    model, added = specification["model"], specification.get("added_tokens") or []
    special = {token["content"]: token["id"] for token in added if token["special"]}
    if model["type"] != "Unigram" or not special:
        return specification
    vocabulary, hidden = list(model["vocab"]), set()
    for number, (token, score) in enumerate(vocabulary):
        if token in special:
            if special[token] != number:
                raise RecordError(
                    FILE,
                    "added_tokens",
                    tr("a token has the ids {special} and {number}", special=special[token], number=number),
                )
            vocabulary[number] = [f"{_NEVER}{token}", score]
            hidden.add(token)
    others = [token for token in added if token["content"] not in hidden]
    return {**specification, "model": {**model, "vocab": vocabulary}, "added_tokens": others}


def largest_id(specification: JsonObject) -> int:
    """The largest id of a specification that `plain` has checked."""
    vocabulary = specification["model"]["vocab"]
    ids = vocabulary.values() if isinstance(vocabulary, dict) else range(len(vocabulary))
    return max(max(ids), max((token["id"] for token in specification.get("added_tokens") or ()), default=0))


def padding_id(specification: JsonObject, options: JsonObject) -> int | None:
    """The id of padding; None if there is no token for it. Neither part needs to be checked before.

    Args:
        specification: The content of tokenizer.json.
        options: The content of tokenizer_config.json; empty if there is no such file.
    """
    name = options.get("pad_token")
    name = name.get("content") if isinstance(name, dict) else name
    padding = specification.get("padding")
    if not isinstance(name, str) and isinstance(padding, dict) and type(padding.get("pad_id")) is int:
        return int(padding["pad_id"]) if padding["pad_id"] >= 0 else None
    ids = ids_by_token(specification)
    return next((ids[token] for token in (name, *_PADDING_NAMES) if isinstance(token, str) and token in ids), None)


def ids_by_token(specification: JsonObject) -> dict[str, int]:
    """The ids of the tokens in the vocabulary and of those added to it. No part needs to be checked before."""
    model = specification.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    entries: list[tuple[object, object]]
    if isinstance(vocabulary, list):
        entries = [(entry[0] if isinstance(entry, list) and entry else None, at) for at, entry in enumerate(vocabulary)]
    else:
        entries = list(vocabulary.items()) if isinstance(vocabulary, dict) else []
    added = specification.get("added_tokens")
    for token in added if isinstance(added, list) else []:
        if isinstance(token, dict):
            entries.append((token.get("content"), token.get("id")))
    return {token: number for token, number in entries if isinstance(token, str) and type(number) is int}


def _check_part(record: Record, kinds: Mapping[str, Mapping[str, Check]], steps: list[str]) -> None:
    """Check a part and the parts inside it; `steps` collects their types in order."""
    kind = record.choice("type", kinds)
    fields = kinds[kind]
    record.refuse_unknown(("type", *fields))
    steps.append(kind)
    if len(steps) > _MAX_STEPS:
        raise record.error("type", tr("there are more than {max_steps} steps", max_steps=_MAX_STEPS))
    if kind == "Precompiled" and steps.count(kind) > 1:
        raise record.error("type", tr("there may be one such step"))
    for key, check in fields.items():
        if key in _LISTS:
            for inner in record.records(key, _MAX_STEPS):
                _check_part(inner, kinds, steps)
        else:
            check(record, key)


def _check_added_tokens(record: Record) -> None:
    """Check the tokens that are matched before all others."""
    if record.values.get("added_tokens") is None:
        return
    for token in record.records("added_tokens", _MAX_ADDED):
        token.refuse_unknown(("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"))
        token.integer("id", 0, MAX_TOKENS - 1)
        if not token.string("content", MAX_TOKEN_CHARACTERS):
            raise token.error("content", tr("it is empty"))
        for key in ("single_word", "lstrip", "rstrip", "normalized", "special"):
            token.boolean(key)


_LISTS = ("normalizers", "pretokenizers", "processors")

_NORMALIZERS: dict[str, dict[str, Check]] = {
    "Sequence": {"normalizers": parts},
    "BertNormalizer": dict.fromkeys(("clean_text", "handle_chinese_chars", "strip_accents", "lowercase"), flag),
    "NFC": {},
    "NFD": {},
    "NFKC": {},
    "NFKD": {},
    "Nmt": {},
    "Lowercase": {},
    "StripAccents": {},
    "Strip": {"strip_left": flag, "strip_right": flag},
    "Prepend": {"prepend": piece},
    "Replace": {"pattern": pattern, "content": replacement},
    "Precompiled": {"precompiled_charsmap": charsmap},
}
_PRE_TOKENIZERS: dict[str, dict[str, Check]] = {
    "Sequence": {"pretokenizers": parts},
    "BertPreTokenizer": {},
    "Whitespace": {},
    "WhitespaceSplit": {},
    "ByteLevel": {
        "add_prefix_space": flag,
        "trim_offsets": flag,
        "use_regex": flag,
    },
    "Metaspace": {
        "replacement": character,
        "add_prefix_space": flag,
        "prepend_scheme": optional_one_of("always", "never", "first"),
        "split": flag,
        "str_rep": optional_piece,
    },
    "Punctuation": {
        "behavior": optional_one_of("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")
    },
    "Digits": {"individual_digits": flag},
    "Split": {
        "pattern": pattern,
        "behavior": one_of("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"),
        "invert": flag,
    },
}
_POST: dict[str, dict[str, Check]] = {
    "Sequence": {"processors": parts},
    "BertProcessing": {"sep": token_and_id, "cls": token_and_id},
    "RobertaProcessing": {
        "sep": token_and_id,
        "cls": token_and_id,
        "trim_offsets": flag,
        "add_prefix_space": flag,
    },
    "ByteLevel": {
        "add_prefix_space": flag,
        "trim_offsets": flag,
        "use_regex": flag,
    },
    "TemplateProcessing": {"single": template, "pair": template, "special_tokens": special_tokens},
}
_MODELS: dict[str, dict[str, Check]] = {
    "WordPiece": {
        "vocab": vocabulary,
        "unk_token": unknown_token,
        "continuing_subword_prefix": optional_piece,
        "max_input_chars_per_word": max_word_characters,
    },
    "BPE": {
        "vocab": vocabulary,
        "merges": merges,
        "dropout": no_dropout,
        "unk_token": optional_token,
        "continuing_subword_prefix": optional_piece,
        "end_of_word_suffix": optional_piece,
        "fuse_unk": flag,
        "byte_fallback": flag,
        "ignore_merges": flag,
    },
    "Unigram": {"vocab": scored_vocabulary, "unk_id": unknown_id, "byte_fallback": flag},
}
