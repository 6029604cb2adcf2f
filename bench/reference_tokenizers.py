"""Write the small tokenizers of `tests/models/golden/tokenizers` and their ids, in the environment of the peers.

    PYTHONPATH=tests .venv-bench/bin/python bench/reference_tokenizers.py tests/models/golden/tokenizers

The ids of models of SentencePiece are those of the package `sentencepiece`, arranged as the encoders arrange them. The
others are those of `transformers`. `expected.json` has a CRC-32 of the ids of each line, and one of
the sorted ids.
"""

import base64
import json
import re
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import sentencepiece
import tokenizers
import transformers

from helpers import mixed_texts

LINES, SEED = 5_000, 7
REPEATED = re.compile(r"(.{1,16})\1{9}")  # pieces of repeated words would make many ways equally likely
TRAINED = [line for line in mixed_texts.lines(4_000, 1) if "\0" not in line and not REPEATED.search(line)]
Ids = Callable[[str], list[int]]


def train(file: Path, **options: Any) -> sentencepiece.SentencePieceProcessor:
    """Train a model."""
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TRAINED),
        model_prefix=str(file.with_suffix("")),
        character_coverage=0.999,
        minloglevel=2,
        num_threads=1,
        **options,
    )
    processor = sentencepiece.SentencePieceProcessor(model_file=str(file))
    file.with_suffix(".vocab").unlink()
    return processor


def xlm_roberta(folder: Path) -> Ids:
    """Pieces from 3 on have the next id; the unknown one is 3."""
    model = train(folder / "sentencepiece.bpe.model", vocab_size=700, model_type="unigram")
    return lambda text: [0, *(number + 1 if number else 3 for number in model.encode(text)), 2]


def camembert(folder: Path) -> Ids:
    """Pieces from 1 on have an id that is larger by 4; the unknown one is 3."""
    model = train(
        folder / "sentencepiece.bpe.model", vocab_size=400, model_type="unigram", normalization_rule_name="identity"
    )
    return lambda text: [5, *(number + 4 if number else 3 for number in model.encode(text)), 6]


def deberta(folder: Path) -> Ids:
    """Ids are those of the pieces."""
    ends = {"pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]"}
    ids = {"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3}
    model = train(folder / "spm.model", vocab_size=600, model_type="unigram", **ends, **ids)
    return lambda text: [1, *model.encode(text), 2]


def albert(folder: Path) -> Ids:
    """Lower case without accents, as `transformers` removes them, and symbols of their own."""
    model = train(
        folder / "spiece.model",
        vocab_size=500,
        model_type="unigram",
        normalization_rule_name="nmt_nfkc_cf",
        control_symbols=["[CLS]", "[SEP]", "[MASK]"],
        user_defined_symbols=["(", ")", '"', "-", ".", "–", "£", "€"],
        **{"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "pad_piece": "<pad>"},
    )

    def prepared(text: str) -> str:
        text = unicodedata.normalize("NFKD", text.replace("``", '"').replace("''", '"'))
        return "".join(character for character in text if unicodedata.category(character)[0] != "M").lower()

    return lambda text: [2, *model.encode(prepared(text)), 3]


def bytes_unigram(folder: Path) -> Ids:
    """Unknown characters are bytes; blanks and characters stay."""
    model = train(
        folder / "sentencepiece.bpe.model",
        vocab_size=900,
        model_type="unigram",
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
    )
    return lambda text: [0, *(number + 1 if number else 3 for number in model.encode(text)), 2]


def bytes_bpe(folder: Path) -> Ids:
    """The same with byte-pair encoding."""
    model = train(folder / "sentencepiece.bpe.model", vocab_size=800, model_type="bpe", byte_fallback=True)
    return lambda text: [0, *(number + 1 if number else 3 for number in model.encode(text)), 2]


def roberta(folder: Path) -> Ids:
    """Byte-level BPE in two files."""
    trained = tokenizers.ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train_from_iterator(TRAINED, vocab_size=700, special_tokens=special, show_progress=False)
    trained.save_model(str(folder))
    return of_transformers(transformers.RobertaTokenizer, folder)


def chinese(folder: Path) -> Ids:
    """WordPiece with cased Chinese, as in bert-base-chinese."""
    trained = tokenizers.BertWordPieceTokenizer(lowercase=False)
    trained.train_from_iterator(TRAINED, vocab_size=800, show_progress=False)
    trained.save_model(str(folder))
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}\n')
    return of_transformers(transformers.BertTokenizer, folder, do_lower_case=False)


def of_transformers(kind: type, folder: Path, **options: Any) -> Ids:
    """The ids of a tokenizer of `transformers`. Names of special tokens in a text are text."""
    tokenizer = kind.from_pretrained(folder, split_special_tokens=True, **options)
    return lambda text: list(tokenizer(text)["input_ids"])


KINDS: dict[str, tuple[str, Callable[[Path], Ids]]] = {
    "xlm-roberta": ("xlm-roberta", xlm_roberta),
    "camembert": ("camembert", camembert),
    "deberta": ("deberta-v2", deberta),
    "albert": ("albert", albert),
    "bytes-unigram": ("xlm-roberta", bytes_unigram),
    "bytes-bpe": ("xlm-roberta", bytes_bpe),
    "roberta": ("roberta", roberta),
    "chinese": ("bert", chinese),
}


def checksums(rows: Iterable[Sequence[int]]) -> str:
    """The CRC-32 of each row, 4 bytes each, in base64."""
    crcs = (zlib.crc32(b"".join(number.to_bytes(4, "little") for number in row)) for row in rows)
    return base64.b64encode(b"".join(crc.to_bytes(4, "little") for crc in crcs)).decode()


def main(root: Path, names: Sequence[str]) -> None:
    """Write a folder for each kind."""
    lines = mixed_texts.lines(LINES, SEED)
    versions = {package.__name__: package.__version__ for package in (sentencepiece, tokenizers, transformers)}
    for name in names or KINDS:
        model_type, make = KINDS[name]
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        ids = make(folder)
        rows = [ids(line) for line in lines]
        document = {"versions": versions, "model_type": model_type, "lines": LINES, "seed": SEED}
        checks = {"crc32": checksums(rows), "crc32_sorted": checksums(map(sorted, rows))}
        text = json.dumps({**document, **checks}, indent=1)
        (folder / "expected.json").write_text(text + "\n", encoding="utf-8")
        print(name, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
