"""Which models `auto` makes, in which order, and how much time each of them gets.

The figures below come from held-out parts of training sets: IMDB, SST, GoEmotions, EmoBank and THUCNews, on two cores.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor._core import threads
from tenor.errors import TenorError
from tenor.models.auto import cost
from tenor.models.auto.candidate import Candidate, TrainedCandidate, parse
from tenor.models.base import Examples
from tenor.models.families import bag, cnn, lstm, ngram, pretrained
from tenor.models.family import NetworkFamily
from tenor.models.neural import backend
from tenor.text import scripts

_HELD_OUT = 0.2  # share of the texts on which models are compared
_FEWEST_HELD, _LARGEST_SHARE = 500, 0.3
_MOST_HELD, _MOST_HELD_ENCODER = 5_000, 2_000  # an encoder takes long to score them
# About what the first n-gram model takes, in seconds: at least, and for each text and each character; how many times as
# long with several classes; and labels of a set that make it take as long again.
_FIRST_S, _FIRST_TEXT_S, _FIRST_CHARACTER_S = 0.8, 6.5e-5, 7e-8
_FIRST_CLASSES, _FIRST_LABELS = 1.5, 4
_MANY_LABELS = 8
_SLOW = 1.5  # times as long tells of a slower machine; what takes two seconds may take a third more by chance
# With so many, one whose settings are not chosen comes before it: that takes a tenth of the time.
_QUICK: dict[str, Any] = {"word_ngrams": [1, 2], "weighting": "naive-bayes", "C": 0.3}
_QUICK_TIMES = 10
_FIRST_TIMES = 3  # times as long is needed to compare models
_GRAMS_TIMES = 2  # times as long do n-gram models take beside an encoder
_MANY = 4  # times as long as another n-gram model takes is left, where there is one
_TAUGHT_SHARE = 0.1  # of the time left, at most, goes into labelling texts that have no label
_MOST_TAUGHT = 4  # times as many texts without labels as with, at most: beyond that the labels drown
_FEWEST_TAUGHT = 50  # fewer texts teach nothing
_SHORTEST = 20.0  # seconds; with less left no network gets anywhere
_NETWORK_S = 12.0  # what a network costs besides its steps: loading Keras, the ONNX graph
# Seconds that networks that learn all of their words have at least, or what they need for three epochs and for the
# steps that little data take, in tokens that one core learns from in a second.
_FEWEST_WORDS_S, _WORDS_S, _FEWEST_TOKENS = 30.0, 60_000, 300_000
# What an encoder costs before its first step, most of it tracing, and after its last, besides scoring: the ONNX graph.
_STARTS_S, _ENDS_S = 11.0, 5.5
_FEWEST_ENCODER_S = 40.0  # with less no encoder gets anywhere
# Texts that an encoder has to see, or all: with fewer other networks add more. Of short texts, which it reads whole,
# fewer will do: 2,300 of ag_news took the loss of a blend on 640 others from 0.413 to 0.330.
_FEWEST_SEEN, _FEWEST_SEEN_SHORT = 4_500, 2_000
_FEW, _FEWEST_TUNED = 1_000, 100  # texts: with fewer the encoder is tried as it is, or only so
# Tokens of a text that an encoder learns from, and how often it has to see all texts then. As it reads all of a text
# when it predicts, more texts teach it more than more of each: 8,000 reviews in 128 tokens led to a loss of 0.228 on
# 2,500 others, and 4,500 in 256 tokens, which take longer, to 0.247.
_LENGTHS = {512: 2.0, 256: 2.0, 128: 0.0}
_SHORTEST_READ = min(_LENGTHS)
# Of the time may go into labelling all of long texts. Together with n-grams, which read all of them, an encoder gains
# 0.005 of the loss by that, and not by windows alone. Of ten minutes with IMDB it takes 14%, and so many fewer reviews
# are learned from: the blend's loss on 2,000 others went from 0.183 to 0.180, its accuracy from 0.929 to 0.935.
_WHOLE_SHARE = 0.2
# Seconds that an encoder learns from a token, on one core, and what each other token of its text adds (attention).
_TOKEN_S, _PAIR_S = 4.2e-4, 8.8e-7
_SCORED_S = 4_000  # tokens that an encoder labels in a second, on one core
# On a GPU, an H200 of NVIDIA, where the start is compiling; and seconds that it learns from a token there, and takes to
# score one.
_DEVICE_STARTS_S, _DEVICE_ENDS_S = 20.0, 10.0
_DEVICE_TOKEN_S, _DEVICE_SCORES_S = 1.6e-6, 2e-6
_ONCE_SHARE = 0.85  # of the time is the encoder's, if it sees each text once in that; else it gets all of it
_MANY_BATCHES = 300  # of an epoch: with so many an encoder learns for one epoch by itself
_STEPS = 300  # batches are as large as lets so many fit
_SMALLEST_BATCH, _BATCH_UNIT = 1_024, 512  # tokens; their sizes are multiples of the latter
_CHARACTERS = 4.5  # of a token
# Further n-gram models, for texts whose words stand apart and for those whose words do not.
_SPACED: tuple[dict[str, Any], ...] = ({"word_ngrams": [1, 2, 3]}, {"char_ngrams": [5], "min_df": 3})
_UNSPACED: tuple[dict[str, Any], ...] = ({"char_ngrams": [1, 2]}, {"word_ngrams": [1], "char_ngrams": [1, 2, 3, 4]})
_CHOSEN = ("word_ngrams", "char_ngrams", "weighting", "C")  # settings that an n-gram model has chosen


class Clock:
    """How much time there is left."""

    def __init__(self, budget: float | None) -> None:
        self.end = None if budget is None else time.perf_counter() + budget

    @property
    def left(self) -> float:
        return float("inf") if self.end is None else self.end - time.perf_counter()

    @property
    def moment(self) -> float | None:
        """When it is over, in seconds since 1970, which mean the same to all machines."""
        return None if self.end is None else time.time() + self.left


def held_share(texts: int, encodes: bool) -> float:
    """The share of so many texts on which models are compared."""
    most = _MOST_HELD_ENCODER if encodes else _MOST_HELD
    return min(max(_HELD_OUT, _FEWEST_HELD / texts), _LARGEST_SHARE, max(most / texts, 0.01))


def compares(budget: float | None, examples: Examples) -> bool:
    """Whether there is time for more than one n-gram model, which learns best from all texts then."""
    return budget is None or _quick_first(examples) or budget > _FIRST_TIMES * _first_s(examples)


def encodes(members: Sequence[str] | None, budget: float | None, examples: Examples) -> bool:
    """Whether there are the time and a pretrained encoder that reads the script of most texts."""
    from tenor.models.pretrained import hub

    if members is not None:
        return any(member.split()[0] == pretrained.FAMILY.name for member in members)
    if not backend.is_installed() or (budget is not None and budget < _FEWEST_ENCODER_S):
        return False
    if len(examples) >= _FEW and budget is not None:
        held = int(held_share(len(examples), True) * len(examples))
        least = _fewest_s(examples, len(examples) - held) + _besides(examples, held, _SHORTEST_READ)
        if budget < least + _GRAMS_TIMES * _first_s(examples):
            return False
    if not _mostly(examples, ("Latin",)):
        return False
    try:
        hub.locate(pretrained.Config().model)
    except TenorError:
        return False
    return True


def plan(
    members: Sequence[str] | None,
    learned: Examples,
    held_out: Examples,
    clock: Clock,
    encoder: bool,
    made: Sequence[TrainedCandidate],
    blended: Callable[[], Sequence[TrainedCandidate]],
) -> Iterator[Candidate | None]:
    """Which model to make next; None where all that were asked for have to be there first.

    Args:
        members: What to make, whatever time it takes; None: what fits into the time.
        learned: The texts that all learn from; `unlabelled` are further ones.
        held_out: The texts that they are compared on.
        clock: The time left.
        encoder: Whether there is an encoder to try.
        made: What has been made so far; it grows.
        blended: Those of them that are in the blend now, the best first.
    """
    if members is not None:
        for asked in (parse(member, warn=True) for member in members):
            if asked.unlabelled:
                yield None  # it learns from what the models before it say
            yield asked
        return
    begin = time.perf_counter()
    if _quick_first(learned):
        yield Candidate(ngram.FAMILY, _QUICK)
        quick_s = time.perf_counter() - begin
        if clock.left < min(_first_s(learned), _QUICK_TIMES * quick_s):
            return
        begin = time.perf_counter()
    yield Candidate(ngram.FAMILY, {})
    first_s = time.perf_counter() - begin
    # Times as long as it may take, as on a slow machine, or one that has to share.
    pace = max(1.0, first_s / (_SLOW * _first_s(learned)))
    # Other features and another weighting hedge the first choice, which a part of the texts made.
    weighting = "tf-idf" if not learned.task.has_labels else "tf-idf-naive-bayes"
    # Where the time is short an encoder is worth more than a third n-gram model.
    least = _fewest_s(learned, len(learned)) if encoder else 0.0
    kept = pace * (least + _besides(learned, len(held_out), _SHORTEST_READ)) if encoder else 0.0
    another = sum(each.refit_seconds for each in made)  # as long does one more take, whose settings need not be chosen
    later = []
    for features in _UNSPACED if _mostly(learned, scripts.UNSPACED) else _SPACED:
        further = Candidate(ngram.FAMILY, {**features, "weighting": weighting})
        if clock.left - kept > _MANY * another:
            yield further
        else:
            later.append(further)
    again = sum(each.refit_seconds for each in made)  # for the n-gram models to learn from all texts in the end
    if backend.is_installed() and len(learned) < _FEW and encoder:
        yield Candidate(pretrained.FAMILY, {"tune": "frozen"})
    yield from _taught(learned, held_out, clock, made)
    if not backend.is_installed():
        return
    if len(learned) >= _FEWEST_TUNED and encoder:
        for tokens, times in _LENGTHS.items():
            besides = pace * _besides(learned, len(held_out), tokens)
            seconds = clock.left - again - besides
            once = pace * _seen_s(learned, len(learned), tokens)
            if times * once < seconds:
                break
        more = pace * _besides(learned, len(held_out), tokens, whole=True) - besides
        whole = more < _WHOLE_SHARE * seconds
        seconds -= more * whole
        if seconds > pace * least:
            wanted: dict[str, Any] = {"max_length": tokens, "tune": "all"}
            wanted["predict_truncation"] = "all" if whole else pretrained.Config.truncation
            if once < _ONCE_SHARE * seconds:
                seconds *= _ONCE_SHARE
                if len(learned) * _tokens(learned, tokens) > _MANY_BATCHES * pretrained.Config.batch_tokens:
                    wanted["epochs"] = 2  # or as much of the second as there is time for
            # Small batches take longer, by a third where they are the smallest, but few large steps teach less.
            seen = seconds / once * len(learned) * _tokens(learned, tokens)
            if seen / _STEPS < pretrained.Config.batch_tokens:
                fitting = int(seen / _STEPS) // _BATCH_UNIT * _BATCH_UNIT
                wanted["batch_tokens"] = max(_SMALLEST_BATCH, fitting)
            yield Candidate(pretrained.FAMILY, wanted, _share(seconds + pace * _starts_s(), 1.0))
    for further in later:  # the encoder may have left time
        if clock.left > _MANY * again:
            yield further
    if clock.left > _SHORTEST:
        yield Candidate(bag.FAMILY, {}, _share(clock.left - _NETWORK_S, 0.7))
    for family in (cnn.FAMILY, lstm.FAMILY):
        if clock.left > pace * _words_s(learned) + 2 * _NETWORK_S:
            yield Candidate(family, {}, _share(clock.left - 2 * _NETWORK_S, 1.0))
    yield None
    yield from _repeated(clock, made, blended)


def _taught(
    learned: Examples, held_out: Examples, clock: Clock, made: Sequence[TrainedCandidate]
) -> Iterator[Candidate | None]:
    """The best n-gram model, and an encoder that stays as it is, once more: from what the blend says of texts without
    labels too.
    """
    most = min(len(learned.unlabelled), _MOST_TAUGHT * len(learned))
    if not most:
        return
    yield None
    rate = 1 / sum(1 / each.texts_per_s for each in made)
    number = int(min(most, rate * _TAUGHT_SHARE * clock.left))
    if number < _FEWEST_TAUGHT:
        return
    grams = [each for each in made if each.candidate.family is ngram.FAMILY]
    best = min(grams, key=lambda each: float(held_out.task.losses(held_out.targets, each.logits).mean()))
    for each in [best, *(other for other in made if other.candidate.settings.get("tune") == "frozen")]:
        if clock.left > _MANY * each.seconds * (1 + number / len(learned)):
            chosen = {key: getattr(each.fitted.config, key) for key in _CHOSEN if hasattr(each.fitted.config, key)}
            yield None  # it learns from what the models before it say
            yield Candidate(each.candidate.family, {**each.candidate.settings, **chosen}, None, number)


def _repeated(
    clock: Clock, made: Sequence[TrainedCandidate], blended: Callable[[], Sequence[TrainedCandidate]]
) -> Iterator[Candidate]:
    """The networks of the blend once more, and more often, from other random numbers: for as long as that makes the
    blend better, and all of it can still learn from all texts (Lakshminarayanan et al., 2017, "Simple and Scalable
    Predictive Uncertainty Estimation using Deep Ensembles").
    """
    networks = [
        each
        for each in blended()
        if isinstance(each.candidate.family, NetworkFamily) and each.candidate.settings.get("tune") != "frozen"
    ]
    for first in networks:
        for seed in itertools.count(1):
            members = blended()
            others = [each for each in made if each.candidate.family is first.candidate.family and each.candidate.seed]
            helped = all(any(each is member for member in members) for each in others)
            again = sum(each.refit_seconds for each in [*members, first])
            if not helped or clock.left < first.seconds + len(first.logits) / first.texts_per_s + again:
                break
            yield Candidate(first.candidate.family, first.settings, seed=seed)


def _share(left: float, share: float) -> float | None:
    return None if left == float("inf") else left * share


def _first_s(examples: Examples) -> float:
    """About how long the first n-gram model takes, in seconds."""
    texts = cost.sample(examples)
    each = _FIRST_TEXT_S + _FIRST_CHARACTER_S * float(np.mean([len(text) for text in texts])) if texts else 0.0
    if labels := _labels(examples):
        times = 1 + labels / _FIRST_LABELS
    else:
        times = _FIRST_CLASSES if examples.task.n_outputs > 1 else 1.0
    return (_FIRST_S + len(examples) * each) * times


def _quick_first(examples: Examples) -> bool:
    """Whether choosing the settings of an n-gram model takes so long that one comes first whose settings are not."""
    return _labels(examples) >= _MANY_LABELS


def _labels(examples: Examples) -> int:
    """Labels that a text may have several of."""
    return examples.task.n_outputs if examples.task.is_multilabel else 0


def _seen_s(examples: Examples, texts: int, tokens: int) -> float:
    """About how long an encoder takes to see so many texts once, in seconds, of which it reads so many tokens."""
    lengths = _lengths(examples, tokens)
    if backend.has_accelerator():
        return texts * float(lengths.mean()) * _DEVICE_TOKEN_S
    return texts * float(np.mean(lengths * (_TOKEN_S + _PAIR_S * lengths))) / threads.available_cores()


def _besides(examples: Examples, scored: int, tokens: int, whole: bool = False) -> float:
    """What an encoder costs besides its steps, in seconds, where it scores so many texts, of which it reads so many
    tokens, or these and the whole too.
    """
    cut, lengths = _lengths(examples, tokens), _lengths(examples, float("inf"))
    read = np.where(lengths > tokens, cut + lengths * whole, lengths)
    if backend.has_accelerator():
        return _starts_s() + _DEVICE_ENDS_S + scored * float(read.mean()) * _DEVICE_SCORES_S
    return _starts_s() + _ENDS_S + scored * float(read.mean()) / (_SCORED_S * threads.available_cores())


def _starts_s() -> float:
    """What an encoder costs before its first step, in seconds."""
    return _DEVICE_STARTS_S if backend.has_accelerator() else _STARTS_S


def _words_s(examples: Examples) -> float:
    """How long a network that learns all of its words has to have at least, in seconds."""
    tokens = len(examples) * _tokens(examples, lstm.Config.max_length)
    return min(_FEWEST_WORDS_S, (3 * tokens + _FEWEST_TOKENS) / (_WORDS_S * threads.available_cores()))


def _tokens(examples: Examples, most: float) -> float:
    """Tokens of a text, about, of which at most so many are read."""
    return float(_lengths(examples, most).mean())


def _lengths(examples: Examples, most: float) -> npt.NDArray[np.float64]:
    """Tokens of each text of a sample, about, of which at most so many are read; two are special ones."""
    characters = np.array([len(text) for text in cost.sample(examples)])
    return np.minimum(2 + characters / _CHARACTERS, most)


def _fewest_s(examples: Examples, texts: int) -> float:
    """How long an encoder has to learn from so many texts at least, in seconds: with less, other networks add more."""
    short = _tokens(examples, float("inf")) <= _SHORTEST_READ
    return _seen_s(examples, min(texts, _FEWEST_SEEN_SHORT if short else _FEWEST_SEEN), _SHORTEST_READ)


def _mostly(examples: Examples, names: Sequence[str]) -> bool:
    """Whether more than half of the texts are in these scripts."""
    return scripts.mostly_in(cost.sample(examples), names)
