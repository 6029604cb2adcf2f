"""Texts -> ids of subwords, by the package `tokenizers` from a tokenizer.json.

The tokenizer is that of a pretrained encoder, or it is trained on the texts (`build`): byte-pair encoding (Sennrich et
al., 2016, "Neural Machine Translation of Rare Words with Subword Units") of texts that `normalise` has folded. A
character that is not in the vocabulary becomes its bytes.

The tokenizer's own template puts special tokens around a text. A text that is too long is truncated before that. The
name of a special token inside a text, such as the five letters [SEP], is ordinary text.
"""

import contextlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from tenor._core.language import tr
from tenor._core.records import JsonObject, Record, RecordError
from tenor._core.threads import available_cores
from tenor.data.text_source import text_source
from tenor.errors import BundleError
from tenor.text import encoded, normalise, tokenizer_json
from tenor.text.encoded import MAX_PROMPT, PADDING, Encoded, Ids, Spans, Truncation
from tenor.text.tokenizer_checks import MAX_TOKENS

_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character: not valid Unicode, so the package refuses it
_BLOCK_TEXTS = 512  # the lists of ids of one block are short-lived
_FIRST = ["[PAD]", "[MASK]", *(f"<0x{byte:02X}>" for byte in range(256))]  # first ids of a trained tokenizer
_MIN_COUNT = 10  # occurrences of a subword in the texts: from little data nothing is learned about rarer ones
_MAX_CHARACTERS = 16  # of a trained subword, so that sentences that are often repeated do not become one
_LONG_RUN = re.compile(r"\S{64}")  # split for training, whose time is quadratic in a run without blanks
_TRAINING_CHARACTERS = 5_000_000  # more change little; of more texts an even sample is taken
_AFTER_PROMPT = ("a", "1", "\u7684", ".", "(", "\n", "")  # texts of several kinds
_PANICS = "pyo3_runtime"  # the module of panics in Rust packages; it cannot be imported


@dataclass(frozen=True)
class SubwordTokenizer:
    """A tokenizer. The id of its padding and the id 0 are swapped, since padding is 0 in all of Tenor.

    Attributes:
        specification: The content of tokenizer.json.
        padding: The tokenizer's own id of padding.
        folded: Whether texts are folded before they are tokenised.
        prompt: Text that is put before each text, such as `query: `. It is in every window of a long text.
    """

    specification: JsonObject
    padding: int
    folded: bool = False
    prompt: str = ""
    _tokenizer: Tokenizer = field(init=False, repr=False, compare=False)
    _around: tuple[list[int], list[int]] = field(init=False, repr=False, compare=False)
    _prompt: list[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _limit_threads()
        object.__setattr__(self, "_tokenizer", _build_tokenizer(self.specification))
        with self._panics_as_errors("the text 'a'"):
            before, after = _template(self._tokenizer)
            object.__setattr__(self, "_prompt", self._prompt_ids())
            object.__setattr__(self, "_around", (before + self._prompt, after))

    @property
    def size(self) -> int:
        """One more than the largest id."""
        return tokenizer_json.largest_id(self.specification) + 1

    @property
    def n_special_tokens(self) -> int:
        """Special tokens around each row, with those of the prompt."""
        return sum(map(len, self._around))

    @property
    def specials(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """The ids of the tokens before a text (with those of the prompt), between two texts, and after a text."""
        with self._panics_as_errors("two texts"):
            pair = self._tokenizer.encode("a", "a")
        first, second = ([at for at, text in enumerate(pair.sequence_ids) if text == number] for number in (0, 1))
        between = pair.ids[first[-1] + 1 : second[0]] if first and second else []
        before, after = self._around
        one, two, three = (self._swap(np.array(ids, np.int32)) for ids in (before, between, after))
        return tuple(one.tolist()), tuple(two.tolist()), tuple(three.tolist())

    @property
    def has_token_types(self) -> bool:
        """Whether its form of two texts tells their tokens apart: type 0 for the first, 1 for the second."""
        with self._panics_as_errors("two texts"):
            pair = self._tokenizer.encode("a", "a")
        return all(
            kind == number for kind, number in zip(pair.type_ids, pair.sequence_ids, strict=True) if number is not None
        )

    def max_row_length(self, max_length: int) -> int:
        """`max_length` itself, which includes the special tokens."""
        return max_length

    def token_id(self, token: str) -> int | None:
        """The id of a token, or None if there is no such token."""
        number = tokenizer_json.ids_by_token(self.specification).get(token)
        return None if number is None else int(self._swap(np.array([number]))[0])

    @property
    def unknown_id(self) -> int | None:
        """The id of the unknown token, or None if there is none."""
        model = self.specification["model"]
        if model.get("unk_id") is not None:
            return int(self._swap(np.array([model["unk_id"]]))[0])
        return None if model.get("unk_token") is None else self.token_id(model["unk_token"])

    def encode(self, texts: Sequence[str], max_length: int, truncation: Truncation) -> Encoded:
        """Turn texts into ids, at most `max_length` in a row, the special tokens included."""
        parts = (
            self._encode(self._prepare(texts[at : at + _BLOCK_TEXTS]), max_length - self.n_special_tokens, truncation)
            for at in range(0, len(texts), _BLOCK_TEXTS)
        )
        return encoded.concatenate(parts, text_source(texts).on_disk)

    def spans(self, text: str, max_length: int, truncation: Truncation) -> Spans:
        """The characters of each subword. Special tokens, and subwords of blanks alone, have none."""
        with self._panics_as_errors():
            encoding = self._tokenizer.encode(self._prepare([text])[0], add_special_tokens=False)
        offsets = np.array(encoding.offsets, np.int64).reshape(-1, 2)[self._n_in_prompt(encoding.ids) :]
        begin, end = np.maximum(offsets - len(self.prompt), 0).T
        positions, row_offsets, _ = encoded.truncate(
            np.array([0, len(begin)]), max_length - self.n_special_tokens, truncation
        )
        row = np.repeat(np.arange(len(row_offsets) - 1), np.diff(row_offsets))
        at = np.arange(len(positions)) + row * self.n_special_tokens + len(self._around[0])
        not_empty = (begin < end)[positions]
        begin, end = begin[positions][not_empty], end[positions][not_empty]
        if self.folded:
            folded = normalise.fold(text)
            begin, end = folded.begin(begin), folded.end(end)
        return Spans(at[not_empty], begin, end)

    def _prepare(self, texts: Sequence[str]) -> list[str]:
        """The texts as the tokenizer takes them."""
        texts = _fold(texts) if self.folded else texts
        return [_SURROGATE.sub("\ufffd", self.prompt + text) for text in texts]

    def _prompt_ids(self) -> list[int]:
        """The first ids of every text with the prompt. The last tokens of a prompt may depend on the text after it."""
        if not self.prompt:
            return []
        texts = [self.prompt + text for text in _AFTER_PROMPT]
        first, *others = [self._tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        return first[: min(_n_common(first, ids) for ids in others)]

    def _n_in_prompt(self, ids: list[int]) -> int:
        """How many of a text's first ids are those of `_prompt_ids`."""
        return _n_common(ids, self._prompt)

    def _encode(self, texts: list[str], max_length: int, truncation: Truncation) -> Encoded:
        with self._panics_as_errors():
            rows = [row.ids for row in self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
        if self.prompt:
            rows = [row[self._n_in_prompt(row) :] for row in rows]
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        ids = np.fromiter((token for row in rows for token in row), np.int32, int(lengths.sum()))
        text_offsets = np.concatenate([[0], lengths]).cumsum()
        positions, offsets, row_to_text = encoded.truncate(text_offsets, max_length, truncation)
        before, after = (np.array(part, np.int32) for part in self._around)
        row_offsets = offsets + self.n_special_tokens * np.arange(len(offsets))
        with_specials = np.empty(row_offsets[-1], np.int32)
        shift = np.repeat(row_offsets[:-1] - offsets[:-1], np.diff(offsets)) + len(before)
        with_specials[np.arange(len(positions)) + shift] = ids[positions]
        begin, end = row_offsets[:-1, None], row_offsets[1:, None]
        with_specials[begin + np.arange(len(before))] = before
        with_specials[end - len(after) + np.arange(len(after))] = after
        return Encoded(self._swap(with_specials), row_offsets, row_to_text, int((lengths > max_length).sum()))

    @contextlib.contextmanager
    def _panics_as_errors(self, text: str = "a text") -> Iterator[None]:
        """Turn a panic in the package, which is not an Exception, into an error. The tokenizer is built again after it,
        since it may have left a lock behind.

        Args:
            text: What was tokenised, for the message.

        Raises:
            BundleError: There was a panic.
        """
        try:
            yield
        except BaseException as error:
            if type(error).__module__ != _PANICS:
                raise
            object.__setattr__(self, "_tokenizer", _build_tokenizer(self.specification))
            raise BundleError(
                tr(
                    "{file}: the tokenizer failed on {text}: {one_line}.",
                    file=tokenizer_json.FILE,
                    text=text,
                    one_line=_one_line(error),
                ),
                tr("Do not use this model, or leave that text out. Please report this."),
            ) from None

    def _swap(self, ids: Ids) -> Ids:
        """The ids with that of padding and 0 swapped."""
        if self.padding == PADDING:
            return ids
        return np.where(ids == self.padding, PADDING, np.where(ids == PADDING, self.padding, ids)).astype(np.int32)

    def to_dict(self) -> JsonObject:
        """The tokenizer as JSON for `encoder.json`."""
        return {
            "kind": "subwords",
            "padding": self.padding,
            "folded": self.folded,
            **({"prompt": self.prompt} if self.prompt else {}),
            "tokenizer": self.specification,
        }

    def __reduce__(self) -> tuple[object, ...]:
        return SubwordTokenizer, (self.specification, self.padding, self.folded, self.prompt)


def restore(description: JsonObject) -> SubwordTokenizer:
    """The tokenizer of `SubwordTokenizer.to_dict`. Raises ValueError if it cannot be read."""
    record = Record(description, "encoder.json")
    specification = record.record("tokenizer").values
    padding = record.integer("padding", 0, MAX_TOKENS)
    folded = "folded" in description and record.boolean("folded")
    prompt = record.string("prompt", MAX_PROMPT) if "prompt" in description else ""
    tokenizer = SubwordTokenizer(specification, padding, folded, prompt)
    if tokenizer.folded and sorted(specification["model"]["vocab"].values()) != list(range(tokenizer.size)):
        raise record.error("tokenizer.model.vocab", tr("the ids have gaps"))
    return tokenizer


def build(texts: Sequence[str], size: int) -> SubwordTokenizer:
    """Train a tokenizer on texts.

    Subwords do not cross whitespace or punctuation. A character that occurs only once becomes its bytes, so that a
    network learns the bytes too.

    Args:
        texts: The texts.
        size: Ids at most.
    """
    _limit_threads()
    step = max(1, -(-sum(map(len, texts)) // _TRAINING_CHARACTERS))
    folded = _LONG_RUN.sub(r"\g<0> ", _SURROGATE.sub("\ufffd", "\n".join(_fold(texts[::step])))).split("\n")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated")]
    )
    alphabet = _alphabet(folded, (size - len(_FIRST)) // 2)
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(_FIRST),
        min_frequency=_MIN_COUNT,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        max_token_length=_MAX_CHARACTERS,
        show_progress=False,
    )
    tokenizer.train_from_iterator(folded, trainer)
    specification = json.loads(tokenizer.to_str())
    model = specification["model"]
    trained = sorted(model["vocab"], key=model["vocab"].get)
    model["vocab"] = {token: number for number, token in enumerate([*_FIRST, *trained])}
    model["byte_fallback"] = True
    return SubwordTokenizer(specification, PADDING, folded=True)


def _build_tokenizer(specification: JsonObject) -> Tokenizer:
    """The tokenizer of the package. Raises ValueError if a part is not allowed, or the package refuses it."""
    plain = tokenizer_json.plain(specification)
    try:
        tokenizer = Tokenizer.from_str(json.dumps(plain))
    except BaseException as error:  # the package raises Exception itself, and panics are not one
        if type(error) is not Exception and type(error).__module__ != _PANICS:
            raise
        raise RecordError(
            tokenizer_json.FILE, "", tr("it cannot be read: {one_line}", one_line=_one_line(error))
        ) from None
    tokenizer.encode_special_tokens = True
    for token in plain.get("added_tokens") or ():
        if tokenizer.token_to_id(token["content"]) != token["id"]:
            raise RecordError(
                tokenizer_json.FILE, "added_tokens", tr("a token has another id than {token}", token=token["id"])
            )
    return tokenizer


def _n_common(ids: list[int], others: list[int]) -> int:
    """How many ids both lists begin with."""
    if ids[: len(others)] == others:
        return len(others)
    return next(at for at, pair in enumerate(zip([*ids, -1], [*others, -2], strict=False)) if pair[0] != pair[1])


def _one_line(error: BaseException) -> str:
    return ascii(str(error).partition("\n")[0])[1:-1][:200].rstrip(".")


def _limit_threads() -> None:
    """Let the package start one thread for each core of this process. It reads this variable once, at the first batch
    of texts.
    """
    os.environ.setdefault("RAYON_NUM_THREADS", str(available_cores()))


def _fold(texts: Sequence[str]) -> list[str]:
    """Fold each text."""
    folded = normalise.fold("\n".join(texts))
    ends = folded.locate(np.cumsum([len(text) + 1 for text in texts], dtype=np.int64)).tolist()
    joined = folded.text()
    return [joined[begin : end - 1] for begin, end in zip([0, *ends], ends, strict=False)]


def _alphabet(texts: Sequence[str], most: int) -> list[str]:
    """The characters that occur at least twice in the texts, the most frequent first, without whitespace."""
    codes, counts = np.unique(normalise.encode("".join(texts)), return_counts=True)
    ranked = codes[np.argsort(-counts, kind="stable")][: int((counts > 1).sum())]
    return [character for character in map(chr, ranked.tolist()) if not character.isspace()][:most]


def _template(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """The ids of the special tokens that the tokenizer puts before and after a text."""
    ids, kinds = (lambda row: (row.ids, row.special_tokens_mask))(tokenizer.encode("a"))
    inside = [index for index, special in enumerate(kinds) if not special]
    if not inside:
        raise RecordError(tokenizer_json.FILE, "", tr("it makes no token of the text 'a'"))
    return ids[: inside[0]], ids[inside[-1] + 1 :]
