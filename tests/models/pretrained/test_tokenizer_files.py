"""Tokenizers made from models of SentencePiece, from vocab.json and merges.txt, and from vocab.txt.

`bench/reference_tokenizers.py` writes the small models and the ids that they are compared with.
"""

import base64
import functools
import json
import random
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import mixed_texts
from tenor._core.records import RecordError
from tenor.errors import SettingsError
from tenor.models.pretrained import tokenizer_files
from tenor.text import sentencepiece_model, tokenizer_json
from tenor.text.subwords import SubwordTokenizer

GOLDEN = Path(__file__).parents[1] / "golden" / "tokenizers"
KINDS = sorted(folder.name for folder in GOLDEN.iterdir())
TIES = 5  # lines at most with two divisions of the same probability, of which SentencePiece takes the other
LOST = "\xa0\u200d"  # a blank with a joiner is one grapheme, and the joiner is lost with the character map


@functools.cache
def lines() -> list[str]:
    return mixed_texts.lines(5_000, 7)


def tokenizer(folder: Path, model_type: str) -> tuple[SubwordTokenizer, int]:
    specification = tokenizer_files.read(folder, model_type)
    options = tokenizer_files.read_options(folder, model_type)
    padding = tokenizer_json.padding_id(specification, options.values)
    assert padding is not None
    return SubwordTokenizer(specification, padding), padding


def ids(made: SubwordTokenizer, padding: int, texts: list[str]) -> list[list[int]]:
    """The ids as the reference numbers them."""
    encoded = made.encode(texts, 1 << 20, "end")
    swapped = np.where(encoded.ids == padding, 0, np.where(encoded.ids == 0, padding, encoded.ids))
    return [row.tolist() for row in np.split(swapped, encoded.row_offsets[1:-1])]


def crc(row: list[int]) -> int:
    return zlib.crc32(np.array(row, "<u4").tobytes())


@pytest.mark.parametrize("kind", KINDS)
def test_ids_of_5000_lines_are_those_of_the_reference(kind: str) -> None:
    expected = json.loads((GOLDEN / kind / "expected.json").read_text("utf-8"))
    ordered, unordered = (
        np.frombuffer(base64.b64decode(expected[key]), "<u4").tolist() for key in ("crc32", "crc32_sorted")
    )
    rows = ids(*tokenizer(GOLDEN / kind, expected["model_type"]), lines())
    assert len(rows) == len(ordered) == expected["lines"] == 5_000
    differing = [number for number, row in enumerate(rows) if crc(row) != ordered[number]]
    ties = [number for number in differing if crc(sorted(rows[number])) == unordered[number]]
    assert len(ties) <= TIES
    assert all(LOST in lines()[number] for number in differing if number not in ties)


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_special_tokens_in_a_text_are_text(kind: str) -> None:
    model_type = json.loads((GOLDEN / kind / "expected.json").read_text("utf-8"))["model_type"]
    made, _ = tokenizer(GOLDEN / kind, model_type)
    names = [token["content"] for token in made.specification["added_tokens"]]
    special = {made.token_id(name) for name in names} - {made.token_id(made.specification["model"].get("unk_token"))}
    model = made.specification["model"]
    if model["type"] == "Unigram":
        special.discard(made.token_id(model["vocab"][model["unk_id"]][0]))
    row = made.encode([" ".join(names)], 1_000, "end").ids.tolist()
    before, _, after = made.specials
    assert names and not special & set(row[len(before) : -len(after)])


def test_special_tokens_have_the_ids_of_the_encoders() -> None:
    xlm, _ = tokenizer(GOLDEN / "xlm-roberta", "xlm-roberta")
    assert [xlm.token_id(name) for name in ("<pad>", "<s>", "</s>", "<unk>", "<mask>")] == [0, 1, 2, 3, 701 + 0]
    assert xlm.specials == ((1,), (2, 2), (2,))
    camembert, _ = tokenizer(GOLDEN / "camembert", "camembert")
    assert (camembert.token_id("<s>"), camembert.token_id("</s>")) == (5, 6)
    deberta, _ = tokenizer(GOLDEN / "deberta", "deberta-v2")
    assert deberta.token_id("[MASK]") == deberta.size - 1 and deberta.specials == ((1,), (2,), (2,))


@pytest.mark.parametrize("kind", ["xlm-roberta", "deberta", "bytes-bpe", "roberta", "chinese"])
def test_spans_are_characters_of_the_text(kind: str) -> None:
    model_type = json.loads((GOLDEN / kind / "expected.json").read_text("utf-8"))["model_type"]
    made, _ = tokenizer(GOLDEN / kind, model_type)
    text = "  The weather,  今天天气很好 ﬁlm"
    _, begin, end = made.spans(text, 100, "end")
    covered = {at for b, e in zip(begin.tolist(), end.tolist(), strict=True) for at in range(b, e)}
    assert covered >= {at for at, character in enumerate(text) if not character.isspace()}


def test_a_tokenizer_json_wins(tmp_path: Path) -> None:
    shutil.copy(GOLDEN / "xlm-roberta" / "sentencepiece.bpe.model", tmp_path)
    other = (GOLDEN.parent / "bert" / "tokenizer.json").read_text("utf-8")
    (tmp_path / "tokenizer.json").write_text(other, "utf-8")
    assert tokenizer_files.read(tmp_path, "xlm-roberta") == json.loads(other)


def test_the_class_in_the_options_decides(tmp_path: Path) -> None:
    """Multilingual MiniLM is of the type bert, with the tokenizer of XLM-RoBERTa."""
    shutil.copy(GOLDEN / "xlm-roberta" / "sentencepiece.bpe.model", tmp_path)
    with pytest.raises(
        SettingsError, match=r"for the tokenizer 'Bert', and Tenor knows those of XLMRoberta, .*Convert"
    ):
        tokenizer_files.read(tmp_path, "bert")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "XLMRobertaTokenizerFast"}')
    text = ["The weather 今天"]
    assert ids(*tokenizer(tmp_path, "bert"), text) == ids(*tokenizer(GOLDEN / "xlm-roberta", "xlm-roberta"), text)


def test_special_tokens_of_the_options_are_used(tmp_path: Path) -> None:
    shutil.copy(GOLDEN / "roberta" / "vocab.json", tmp_path)
    shutil.copy(GOLDEN / "roberta" / "merges.txt", tmp_path)
    (tmp_path / "special_tokens_map.json").write_text('{"cls_token": {"content": "[CLS]"}, "sep_token": "<pad>"}')
    (tmp_path / "tokenizer_config.json").write_text('{"add_prefix_space": true}')
    made, padding = tokenizer(tmp_path, "roberta")
    row = ids(made, padding, ["good"])[0]
    assert row[0] == made.size - 1 and row[-1] == padding
    assert row[1:-1] == ids(made, padding, [" good"])[0][1:-1]


def wordpiece(folder: Path, tokens: list[str], **options: Any) -> None:
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *tokens]) + "\n", "utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(options))


def test_options_of_word_pieces_are_followed(tmp_path: Path) -> None:
    wordpiece(tmp_path, ["É", "é", "e", "今", "##今", "天"], do_lower_case=False)
    assert ids(*tokenizer(tmp_path, "bert"), ["É今天"])[0][1:-1] == [4, 7, 9]
    wordpiece(tmp_path, ["É", "é", "e", "今", "##今", "天"], do_lower_case=True, strip_accents=False)
    assert ids(*tokenizer(tmp_path, "bert"), ["É"])[0][1:-1] == [5]
    wordpiece(tmp_path, ["今", "##天"], tokenize_chinese_chars=False)
    assert ids(*tokenizer(tmp_path, "bert"), ["今天"])[0][1:-1] == [4, 5]


def test_mpnet_has_word_pieces_with_other_special_tokens(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("<s>\n<pad>\n</s>\n<unk>\ngood\n[UNK]\n", "utf-8")
    made, padding = tokenizer(tmp_path, "mpnet")
    assert (ids(made, padding, ["good 坏"]), padding) == ([[0, 4, 5, 2]], 1)
    assert made.specials == ((1,), (2, 2), (2,))


def test_a_tokenizer_that_divides_words_otherwise_is_refused(tmp_path: Path) -> None:
    wordpiece(tmp_path, ["今", "天"], tokenizer_class="BertJapaneseTokenizer")
    with pytest.raises(SettingsError, match=r"for the tokenizer 'BertJapanese'.*does not know.*Convert it once"):
        tokenizer_files.read(tmp_path, "bert")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_roformer_with_words_needs_jieba_and_one_of_characters_does_not(tmp_path: Path, as_json: bool) -> None:
    wordpiece(tmp_path, ["今", "天"], tokenizer_class="RoFormerTokenizer")
    characters = tokenizer_files.read(tmp_path, "roformer")
    wordpiece(tmp_path, ["今", "天", "今天"])
    if as_json:
        characters["model"]["vocab"]["今天"] = 6
        (tmp_path / "tokenizer.json").write_text(json.dumps(characters), "utf-8")
    with pytest.raises(SettingsError, match=r"words with the package jieba.*Choose an encoder that reads characters"):
        tokenizer_files.read(tmp_path, "roformer")


MODEL = (GOLDEN / "camembert" / "sentencepiece.bpe.model").read_bytes()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "it has no pieces"),
        (b"PK\3\4" * 9, "truncated or damaged"),
        (MODEL[:-9], "truncated or damaged: .* ends too early"),
        (MODEL + b"\x0a\xff\xff\xff\xff\x0f", "truncated or damaged: the file ends too early"),
        (MODEL + b"\x80" * 11, "a number of more than 10 bytes"),
        (MODEL + b"\x0b", "a field of the unknown kind 3"),
        (MODEL + b"\x0a\x04\x0a\x02\xff\xfe", r"pieces\[\d+\]': it is not UTF-8"),
        (MODEL + b"\x0a\x08\x0a\x01x\x15\0\0\xc0\x7f", "its score is not a usable number"),
        (MODEL + b"\x0a\x05\x0a\x01x\x18\x09", "its type 9 is not known"),
        (MODEL + b"\x0a\0", r"it has 0 bytes; from 1 character"),
        (MODEL + b"\x0a\x03\x0a\x01a", "a piece occurs twice"),
        (MODEL + b"\x0a\x05\x0a\x01\x07\x18\x02", "exactly one unknown piece"),
        (MODEL + b"\x12\x02\x18\x03", "its algorithm is words; Unigram and BPE are known"),
        (MODEL + b"\x12\x03\xc0\x01\x01", "it marks blanks in another way"),
        (MODEL + b"\x12\x03\x98\x02\x01", "it has 0 of the 256 bytes"),
        (MODEL + b"\x1a\x06\x12\x04abcd", r"normalizers\[0\]\.precompiled_charsmap': its trie"),
    ],
)
def test_damaged_models_are_refused_in_a_line(tmp_path: Path, data: bytes, problem: str) -> None:
    (tmp_path / "sentencepiece.bpe.model").write_bytes(data)
    with pytest.raises(SettingsError, match=rf"sentencepiece\.bpe\.model: this is damaged: .*{problem}") as refused:
        tokenizer_files.read(tmp_path, "camembert")
    assert len(str(refused.value)) < 500


def test_changed_models_are_read_or_refused() -> None:
    draw = random.Random(0)
    n_read = 0
    for _ in range(400):
        data = bytearray(MODEL)
        for _ in range(draw.choice((1, 1, 4))):
            at = draw.randrange(len(data))
            if draw.random() < 0.3:
                del data[at : at + draw.randrange(1, 40)]
            else:
                data[at] = draw.choice((0, 0x7F, 0x80, 0xFF, draw.randrange(256)))
        try:
            model = sentencepiece_model.parse(bytes(data), "spm.model")
        except RecordError:
            continue
        assert len(model.pieces) <= len(data)
        n_read += 1
    assert 0 < n_read < 400


def test_merges_that_are_no_pairs_are_refused(tmp_path: Path) -> None:
    shutil.copy(GOLDEN / "roberta" / "vocab.json", tmp_path)
    (tmp_path / "merges.txt").write_text("#version: 0.2\na b c\n")
    with pytest.raises(SettingsError, match=r"merges\.txt: this is damaged: a line is not a pair of tokens: 'a b c'"):
        tokenizer_files.read(tmp_path, "roberta")
    (tmp_path / "merges.txt").unlink()
    with pytest.raises(SettingsError, match=r"merges\.txt: this cannot be read: No such file"):
        tokenizer_files.read(tmp_path, "roberta")
