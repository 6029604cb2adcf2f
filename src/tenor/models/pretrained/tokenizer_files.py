"""The tokenizer of an encoder's folder, as the content of a tokenizer.json.

A folder has a tokenizer.json, or the files of its tokenizer's kind: vocab.txt (WordPiece), vocab.json and merges.txt
(byte-level BPE), or a model of SentencePiece. The class in tokenizer_config.json, or else the type of the model, says
how special tokens are arranged.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tenor._core.language import join_names, mark, tr
from tenor._core.records import JsonObject, RecordError
from tenor.errors import SettingsError
from tenor.models.pretrained import folder_files
from tenor.models.pretrained.folder_files import damaged
from tenor.text import sentencepiece_model, sentencepiece_tokenizer, tokenizer_json
from tenor.text.sentencepiece_tokenizer import Layout

TOKENIZER, CONFIG, WORD_PIECES, BYTE_LEVEL = "tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json"
SENTENCEPIECE = ("spm.model", "sentencepiece.bpe.model", "spiece.model")
TOKENIZERS = (TOKENIZER, WORD_PIECES, BYTE_LEVEL, *SENTENCEPIECE)
"""A folder needs one of these files."""
BESIDE_TOKENIZERS = ("merges.txt", CONFIG, "special_tokens_map.json", "added_tokens.json")
"""Files beside them that say more."""

_CONVERT = mark(
    "Convert it once with Transformers: AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER) writes a "
    "tokenizer.json."
)


@dataclass(frozen=True)
class TokenizerOptions:
    """What tokenizer_config.json and the files beside it say.

    Attributes:
        values: Options by name. Special tokens are strings.
        kind: The class of the tokenizer without `Tokenizer` and `Fast`, such as `XLMRoberta`.
    """

    values: JsonObject
    kind: str

    def token(self, name: str, default: str) -> str:
        """A special token, such as `cls_token`."""
        return str(self.values.get(name) or default)

    def flag(self, name: str, default: bool) -> bool:
        """An option that is true or false."""
        value = self.values.get(name)
        return value if isinstance(value, bool) else default


_FAIRSEQ = Layout(
    first=("<s>", "<pad>", "</s>", "<unk>"),
    skipped=3,
    last=("<mask>",),
    before="<s>",
    after="</s>",
    between=("</s>", "</s>"),
)
_LAYOUTS = {
    "XLMRoberta": _FAIRSEQ,
    "Camembert": replace(_FAIRSEQ, first=("<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED"), skipped=1),
    "DebertaV2": Layout(last=("[MASK]",)),
    "Albert": Layout(splits_numbers=True),
}
_KINDS = {
    "bert": "Bert",
    "ernie": "Bert",
    "electra": "Bert",
    "distilbert": "Bert",
    "nomic_bert": "Bert",
    "mpnet": "MPNet",
    "roberta": "Roberta",
    "xlm-roberta": "XLMRoberta",
    "xlm-roberta-xl": "XLMRoberta",
    "new": "XLMRoberta",
    "camembert": "Camembert",
    "deberta-v2": "DebertaV2",
    "albert": "Albert",
    "roformer": "RoFormer",
}
"""`model_type` of config.json -> class of the tokenizer, where tokenizer_config.json names none."""
_WORD_PIECE_KINDS = ("", "Bert", "DistilBert", "Electra", "Ernie", "MPNet", "MobileBert", "RoFormer")
_CHINESE_WORD = re.compile("[\u3400-\u9fff]{2,}")


def read(path: Path, model_type: str) -> JsonObject:
    """The content of a folder's tokenizer.json, or its equivalent made from other files.

    Args:
        path: The folder.
        model_type: `model_type` of its config.json.

    Raises:
        SettingsError: There is no tokenizer, it is damaged, or it is of an unknown kind.
    """
    options = read_options(path, model_type)
    if (path / TOKENIZER).exists():
        specification = folder_files.read_json(path, TOKENIZER).values
        _refuse_words(path, options, specification)
        return specification
    makers: dict[str, Callable[[Path, TokenizerOptions], JsonObject]] = {
        **dict.fromkeys(SENTENCEPIECE, _sentencepiece),
        BYTE_LEVEL: _byte_level,
        WORD_PIECES: _word_pieces,
    }
    name = next((name for name in makers if (path / name).exists()), None)
    if name is None:
        raise SettingsError(tr("{path}: there is no tokenizer.json.", path=path), tr("Download it with the model."))
    try:
        specification = makers[name](path / name, options)
        tokenizer_json.plain(specification)
    except RecordError as error:
        raise damaged(path / name, error.detail) from None
    _refuse_words(path, options, specification)
    return specification


def read_options(path: Path, model_type: str) -> TokenizerOptions:
    """The options in tokenizer_config.json, with special tokens also from special_tokens_map.json."""
    values = {**folder_files.read_options(path, "special_tokens_map.json"), **folder_files.read_options(path, CONFIG)}
    for key, value in values.items():
        if key.endswith("_token") and isinstance(value, dict):
            values[key] = value.get("content")
    named = values.get("tokenizer_class")
    kind = named.removesuffix("Fast").removesuffix("Tokenizer") if isinstance(named, str) else ""
    if kind in ("", "PreTrained", "Tokenizers"):
        kind = _KINDS.get(model_type, "")
    return TokenizerOptions(values, kind)


def _refuse_words(path: Path, options: TokenizerOptions, specification: JsonObject) -> None:
    """Refuse a RoFormer with Chinese words in its vocabulary: its tokenizer.json does not say that jieba finds them."""
    tokens = tokenizer_json.ids_by_token(specification) if options.kind == "RoFormer" else ()
    if any(map(_CHINESE_WORD.fullmatch, tokens)):
        raise SettingsError(
            tr(
                "{path}: its tokenizer divides Chinese texts into words with the package jieba, which "
                "Tenor does not use.",
                path=path,
            ),
            tr(
                "Choose an encoder that reads characters: a RoFormer whose name has 'char', or "
                "hf://hfl/chinese-macbert-base."
            ),
        )


def _sentencepiece(path: Path, options: TokenizerOptions) -> JsonObject:
    layout = _LAYOUTS.get(options.kind)
    if layout is None:
        raise SettingsError(
            tr(
                "{path}: this is a model of SentencePiece for the tokenizer {kind!r:.60}, and Tenor "
                "knows those of {layouts}.",
                path=path,
                kind=options.kind or tr("of an unknown kind"),
                layouts=join_names(_LAYOUTS),
            ),
            tr(_CONVERT),
        )
    model = sentencepiece_model.parse(folder_files.read(path), path.name)
    layout = replace(
        layout,
        before=options.token("cls_token", layout.before),
        after=options.token("sep_token", layout.after),
        between=(options.token("sep_token", layout.after),) * len(layout.between),
        last=(options.token("mask_token", layout.last[0]),) if layout.last else (),
    )
    return sentencepiece_tokenizer.specification(model, layout, path.name, _normalizers(path, options))


def _normalizers(path: Path, options: TokenizerOptions) -> list[JsonObject]:
    """What the class of the tokenizer does to a text before SentencePiece sees it."""
    steps: list[JsonObject] = []
    if options.kind == "Albert":
        for quote in ("``", "''"):
            steps.append({"type": "Replace", "pattern": {"String": quote}, "content": '"'})
        if not options.flag("keep_accents", False):
            steps += [{"type": "NFKD"}, {"type": "StripAccents"}]
    if options.flag("do_lower_case", options.kind == "Albert"):
        steps.append({"type": "Lowercase"})
    if options.flag("split_by_punct", False):
        raise SettingsError(
            tr("{path}: its tokenizer splits texts at punctuation, which Tenor does not.", path=path), tr(_CONVERT)
        )
    return steps


def _byte_level(path: Path, options: TokenizerOptions) -> JsonObject:
    """vocab.json and merges.txt: the byte-level BPE of GPT-2, with the special tokens of RoBERTa."""
    if options.kind != "Roberta":
        raise SettingsError(
            tr(
                "{path}: this is for the tokenizer {kind!r:.60}, and Tenor knows that of Roberta.",
                path=path,
                kind=options.kind or tr("of an unknown kind"),
            ),
            tr(_CONVERT),
        )
    vocabulary = folder_files.read_json(path.parent, path.name).values
    lines = folder_files.read_lines(path.parent / "merges.txt")
    merges = [line.split(" ") for line in lines if line and not line.startswith("#version")]
    if wrong := next((pair for pair in merges if len(pair) != 2), None):
        raise damaged(
            path.parent / "merges.txt", tr("a line is not a pair of tokens: {wrong!r:.60}", wrong=" ".join(wrong))
        )
    names = {key: options.token(f"{key}_token", token) for key, token in _ROBERTA_TOKENS.items()}
    ids = dict(vocabulary)
    for token in names.values():
        ids.setdefault(token, len(ids))
    prefix = options.flag("add_prefix_space", False)
    ends = {key: [names[key], ids[names[key]]] for key in ("sep", "cls")}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_special(token, ids[token]) for token in sorted(set(names.values()), key=ids.__getitem__)],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": True},
        "post_processor": {"type": "RobertaProcessing", **ends, "trim_offsets": True, "add_prefix_space": prefix},
        "decoder": None,
        "model": {
            "type": "BPE",
            "vocab": ids,
            "merges": merges,
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
        },
    }


_ROBERTA_TOKENS = {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "<unk>", "mask": "<mask>"}


def _special(token: str, number: int) -> JsonObject:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": number, "content": token, **flags}


def _word_pieces(path: Path, options: TokenizerOptions) -> JsonObject:
    """vocab.txt: the WordPiece of BERT. MPNet has it with other special tokens."""
    from tokenizers import BertWordPieceTokenizer

    if options.kind not in _WORD_PIECE_KINDS:
        raise SettingsError(
            tr(
                "{path}: this is for the tokenizer {kind!r:.60}, and Tenor does not know how that divides texts.",
                path=path,
                kind=options.kind,
            ),
            tr(_CONVERT),
        )
    cls, sep = ("<s>", "</s>") if options.kind == "MPNet" else ("[CLS]", "[SEP]")
    names = {
        "unk_token": options.token("unk_token", "[UNK]"),
        "sep_token": options.token("sep_token", sep),
        "cls_token": options.token("cls_token", cls),
    }
    accents = options.values.get("strip_accents")
    vocabulary = {line.rstrip("\r"): number for number, line in enumerate(folder_files.read_lines(path))}
    if missing := [token for token in names.values() if token not in vocabulary]:
        raise damaged(path, tr("there is no {missing}", missing=missing[0]))
    tokenizer = BertWordPieceTokenizer(
        vocabulary,
        **names,
        lowercase=options.flag("do_lower_case", True),
        handle_chinese_chars=options.flag("tokenize_chinese_chars", True),
        strip_accents=accents if isinstance(accents, bool) else None,
    )
    specification: JsonObject = json.loads(tokenizer.to_str())
    if options.kind == "MPNet":  # two separators between two texts
        ends = {key: [names[f"{key}_token"], vocabulary[names[f"{key}_token"]]] for key in ("sep", "cls")}
        processor = {"type": "RobertaProcessing", **ends, "trim_offsets": False, "add_prefix_space": False}
        specification["post_processor"] = processor
    return specification
