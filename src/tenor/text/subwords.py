"""Texts -> the ids of subwords, by the `tokenizers` package from a tokenizer.json.

It is that of a pretrained encoder, or one trained on the texts (`build`): byte-pair encoding (Sennrich et al., 2016,
"Neural Machine Translation of Rare Words with Subword Units") of texts that `normalise` has folded, with the bytes of a
character where the character itself is not known.

Special tokens stand where the tokenizer's own template puts them around one text. A text that is too long is cut before
they are added. Special tokens that stand in a text, such as the five letters [SEP], are ordinary text.
"""

import contextlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from tenor._core.records import Record, RecordError
from tenor._core.threads import cores
from tenor.data.text_source import text_source
from tenor.errors import BundleError
from tenor.text import encoded, normalise, tokenizer_json
from tenor.text.encoded import PADDING, Encoded, Ids, Spans, Truncation

_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character: no text of Unicode, so the package refuses it
_BLOCK = 512  # texts; the lists of ids of one block are short-lived
_FIRST = ["[PAD]", "[MASK]", *(f"<0x{byte:02X}>" for byte in range(256))]  # the ids of a trained one begin with these
_FEWEST_TIMES = 10  # that a subword stands in the texts: of rarer ones nothing is learned on little data
_TOO_LONG = 16  # characters for a trained subword, so that sentences that are often repeated are none
_LONG_RUN = re.compile(r"\S{64}")  # is parted for training, whose time grows with the square of a run without blanks
_TRAINING_CHARACTERS = 5_000_000  # more texts change little; an even share of them is taken then
_PANICS = "pyo3_runtime"  # the module that panics of packages in Rust come from; it cannot be imported


@dataclass(frozen=True)
class SubwordTokenizer:
    """A tokenizer; the id of its padding and id 0 change places, since padding is 0 in all of Tenor.

    Attributes:
        specification: What tokenizer.json holds.
        padding: The tokenizer's id of padding.
        folded: Whether the tokenizer is given folded texts.
    """

    specification: dict[str, Any]
    padding: int
    folded: bool = False
    _tokenizer: Tokenizer = field(init=False, repr=False, compare=False)
    _around: tuple[list[int], list[int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _limit_threads()
        object.__setattr__(self, "_tokenizer", _made(self.specification))
        with self._panics_told("the text 'a'"):
            object.__setattr__(self, "_around", _template(self._tokenizer))

    @property
    def size(self) -> int:
        """One more than the largest id."""
        return tokenizer_json.largest_id(self.specification) + 1

    @property
    def n_special_tokens(self) -> int:
        """Special tokens in each row."""
        return sum(map(len, self._around))

    def max_row_length(self, maximum: int) -> int:
        return maximum

    def token_id(self, token: str) -> int | None:
        """The id of a token, or None where there is no such token."""
        found = self._tokenizer.token_to_id(token)
        return None if found is None else int(self._swap(np.array([found]))[0])

    def encode(self, texts: Sequence[str], maximum: int, keep: Truncation) -> Encoded:
        """Turn texts into ids, at most `maximum` in a row with the special tokens."""
        parts = (
            self._encode(self._prepare(texts[at : at + _BLOCK]), maximum - self.n_special_tokens, keep)
            for at in range(0, len(texts), _BLOCK)
        )
        return encoded.concatenate(parts, text_source(texts).on_disk)

    def spans(self, text: str, maximum: int, keep: Truncation) -> Spans:
        """The characters of each subword; special tokens, and those that stand for nothing but a blank, have none."""
        with self._panics_told():
            found = self._tokenizer.encode(self._prepare([text])[0], add_special_tokens=False)
        begin, end = np.array(found.offsets, np.int64).reshape(-1, 2).T
        positions, first, _ = encoded.truncate(np.array([0, len(begin)]), maximum - self.n_special_tokens, keep)
        row = np.repeat(np.arange(len(first) - 1), np.diff(first))
        at = np.arange(len(positions)) + row * self.n_special_tokens + len(self._around[0])
        some = (begin < end)[positions]
        begin, end = begin[positions][some], end[positions][some]
        if self.folded:
            folded = normalise.fold(text)
            begin, end = folded.begin(begin), folded.end(end)
        return Spans(at[some], begin, end)

    def _prepare(self, texts: Sequence[str]) -> list[str]:
        texts = _fold(texts) if self.folded else texts
        return [_SURROGATE.sub("\ufffd", text) for text in texts]

    def _encode(self, texts: list[str], maximum: int, keep: Truncation) -> Encoded:
        with self._panics_told():
            found = [row.ids for row in self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
        lengths = np.fromiter(map(len, found), np.int64, len(found))
        ids = np.fromiter((token for row in found for token in row), np.int32, int(lengths.sum()))
        positions, first, text = encoded.truncate(np.concatenate([[0], lengths]).cumsum(), maximum, keep)
        before, after = (np.array(part, np.int32) for part in self._around)
        around = self.n_special_tokens * np.arange(len(first))
        with_specials = np.empty(len(positions) + self.n_special_tokens * len(text), np.int32)
        with_specials[np.arange(len(positions)) + np.repeat(around[:-1], np.diff(first)) + len(before)] = ids[positions]
        begin, end = (first + around)[:-1, None], (first + around)[1:, None]
        with_specials[begin + np.arange(len(before))] = before
        with_specials[end - len(after) + np.arange(len(after))] = after
        return Encoded(self._swap(with_specials), first + around, text, int((lengths > maximum).sum()))

    @contextlib.contextmanager
    def _panics_told(self, text: str = "a text") -> Iterator[None]:
        """Tell of a panic in the package, which is no Exception, as an error; the tokenizer is made anew after one, as
        it may have left a lock behind.

        Raises:
            BundleError: There was one.
        """
        try:
            yield
        except BaseException as error:
            if type(error).__module__ != _PANICS:
                raise
            object.__setattr__(self, "_tokenizer", _made(self.specification))
            raise BundleError(
                f"{tokenizer_json.FILE}: the tokenizer failed on {text}: {_one_line(error)}.",
                "Do not use this model, or leave that text out. Please report this.",
            ) from None

    def _swap(self, ids: Ids) -> Ids:
        if self.padding == PADDING:
            return ids
        return np.where(ids == self.padding, PADDING, np.where(ids == PADDING, self.padding, ids)).astype(np.int32)

    def describe(self) -> dict[str, Any]:
        return {
            "kind": "subwords",
            "padding": self.padding,
            "folded": self.folded,
            "tokenizer": self.specification,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return SubwordTokenizer, (self.specification, self.padding, self.folded)


def restore(description: dict[str, Any]) -> SubwordTokenizer:
    """The tokenizer that `SubwordTokenizer.describe` tells of. Raises ValueError where it cannot be read."""
    record = Record(description, "encoder.json")
    specification = record.record("tokenizer").values
    padding = record.whole("padding", 0, tokenizer_json.MOST_TOKENS)
    found = SubwordTokenizer(specification, padding, "folded" in description and record.flag("folded"))
    if found.folded and sorted(specification["model"]["vocab"].values()) != list(range(found.size)):
        raise record.error("tokenizer.model.vocab", "the ids have gaps")
    return found


def build(texts: Sequence[str], size: int) -> SubwordTokenizer:
    """Train a tokenizer of at most `size` subwords on texts.

    Blanks and punctuation part subwords. Characters that stand only once in the texts are left to their bytes, so that
    the bytes are learned too.
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
        min_frequency=_FEWEST_TIMES,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        max_token_length=_TOO_LONG,
        show_progress=False,
    )
    tokenizer.train_from_iterator(folded, trainer)
    specification = json.loads(tokenizer.to_str())
    model = specification["model"]
    trained = sorted(model["vocab"], key=model["vocab"].get)
    model["vocab"] = {token: number for number, token in enumerate([*_FIRST, *trained])}
    model["byte_fallback"] = True
    return SubwordTokenizer(specification, PADDING, folded=True)


def _made(specification: dict[str, Any]) -> Tokenizer:
    """The tokenizer of the package. Raises ValueError where a part is not allowed, or the package refuses it."""
    plain = json.dumps(tokenizer_json.plain(specification))
    try:
        tokenizer = Tokenizer.from_str(plain)
    except BaseException as error:  # the package raises Exception itself, and panics are none
        if type(error) is not Exception and type(error).__module__ != _PANICS:
            raise
        raise RecordError(tokenizer_json.FILE, "", f"it cannot be read: {_one_line(error)}") from None
    tokenizer.encode_special_tokens = True
    for token in specification.get("added_tokens") or ():
        if tokenizer.token_to_id(token["content"]) != token["id"]:
            raise RecordError(tokenizer_json.FILE, "added_tokens", f"another id than {token['id']} is that of a token")
    return tokenizer


def _one_line(error: BaseException) -> str:
    return ascii(str(error).partition("\n")[0])[1:-1][:200].rstrip(".")


def _limit_threads() -> None:
    """Have the package start as many threads as there are cores for this process: it looks at this variable once, when
    it first has several texts.
    """
    os.environ.setdefault("RAYON_NUM_THREADS", str(cores()))


def _fold(texts: Sequence[str]) -> list[str]:
    folded = normalise.fold("\n".join(texts))
    ends = folded.locate(np.cumsum([len(text) + 1 for text in texts], dtype=np.int64)).tolist()
    whole = folded.text()
    return [whole[begin : end - 1] for begin, end in zip([0, *ends], ends, strict=False)]


def _alphabet(texts: Sequence[str], most: int) -> list[str]:
    """The characters that stand in the texts at least twice, the most frequent first, blanks left out."""
    codes, counts = np.unique(normalise.encode("".join(texts)), return_counts=True)
    ranked = codes[np.argsort(-counts, kind="stable")][: int((counts > 1).sum())]
    return [character for character in map(chr, ranked.tolist()) if not character.isspace()][:most]


def _template(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """Ids of the special tokens that the tokenizer puts before and after a text."""
    ids, kinds = (lambda row: (row.ids, row.special_tokens_mask))(tokenizer.encode("a"))
    inside = [index for index, special in enumerate(kinds) if not special]
    if not inside:
        raise RecordError(tokenizer_json.FILE, "", "it makes no token of the text 'a'")
    return ids[: inside[0]], ids[inside[-1] + 1 :]
