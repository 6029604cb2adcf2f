"""Which models `auto` trains, in which order, and how much time each of them gets.

The numbers below come from held-out parts of training sets: IMDB, SST, GoEmotions, EmoBank and THUCNews, on two cores.
"""

import itertools
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tenor.models.auto import budget, cost, cross_validation, estimates
from tenor.models.auto.budget import Clock
from tenor.models.auto.candidate import Candidate, TrainedCandidate, parse
from tenor.models.base import Examples
from tenor.models.families import bag, cnn, lstm, ngram, pretrained
from tenor.models.family import NetworkFamily
from tenor.models.neural import backend
from tenor.models.pretrained.catalogue import Encoder
from tenor.text import scripts

_SLOW = 1.5  # a slow machine takes this many times as long; a model of two seconds may take a third more by chance
# With many labels, a model with fixed settings goes first: it takes a tenth of the time.
_QUICK: Mapping[str, object] = {"word_ngrams": [1, 2], "weighting": "naive-bayes", "C": 0.3}
_QUICK_TIMES = 10
_MANY = 4  # a further n-gram model is trained if this many times its time is left
_LABELLING_SHARE = 0.1  # of the time left, at most, goes into scoring unlabelled texts
_MAX_PSEUDO_LABELS = 4  # unlabelled texts per labelled text, at most: with more, the labels count too little
_MIN_PSEUDO_LABELS = 50  # fewer texts change nothing
_MIN_NETWORK_S = 20.0  # with less, no network learns enough
_NETWORK_OVERHEAD_S = 12.0  # what a network costs besides its steps: loading Keras, the ONNX graph
_MIN_TUNED_TEXTS = 100  # with fewer texts, the weights of an encoder stay frozen
# Maximum lengths in tokens for an encoder, and how often it must see all texts to use that length. It reads all of a
# text when it predicts, so more texts teach it more than more of each: 8,000 reviews in 128 tokens led to a loss of
# 0.228 on 2,500 others, and 4,500 in 256 tokens, which take longer, to 0.247.
_LENGTHS = {512: 2.0, 256: 2.0, estimates.SHORTEST_LENGTH: 0.0}
# Share of the time that may go into scoring long texts in full. Together with n-grams, which read all of them, an
# encoder gains 0.005 of the loss by that, and not by windows alone. Of ten minutes with IMDB it takes 14%, and it
# trains on fewer reviews: the blend's loss on 2,000 others went from 0.183 to 0.180, its accuracy from 0.929 to 0.935.
_WHOLE_SHARE = 0.2
_ONCE_SHARE = 0.85  # share of the time for an encoder that sees each text once in it; another one gets all of it
_MANY_BATCHES = 300  # in an epoch: with this many, an encoder trains for one epoch by default
_STEPS = 300  # batches are as large as possible with this many steps
_MIN_BATCH, _BATCH_UNIT = 1_024, 512  # tokens; the size of a batch is a multiple of the unit
# Further n-gram models, for scripts with spaces between words and for those without.
_SPACED: tuple[Mapping[str, object], ...] = ({"word_ngrams": [1, 2, 3]}, {"char_ngrams": [5], "min_df": 3})
_UNSPACED: tuple[Mapping[str, object], ...] = (
    {"char_ngrams": [1, 2]},
    {"word_ngrams": [1], "char_ngrams": [1, 2, 3, 4]},
)
_CHOSEN = ("word_ngrams", "char_ngrams", "weighting", "C")  # settings that an n-gram model chooses itself


class _EncoderTime(NamedTuple):
    """How an encoder spends its time.

    Attributes:
        max_length: Maximum length of a text in tokens.
        overhead_s: Seconds besides its steps.
        epoch_s: Seconds to see all texts once.
        left_s: Seconds that are left for its steps.
    """

    max_length: int
    overhead_s: float
    epoch_s: float
    left_s: float


def _model_setting(encoder: Encoder) -> dict[str, object]:
    """The setting that names an encoder; empty for the default one."""
    return {} if encoder.name == pretrained.Config.model else {"model": encoder.name}


def requested(members: Sequence[str]) -> Iterator[Candidate | None]:
    """The candidates that `members` names. None: wait for all candidates so far.

    Raises:
        SettingsError: A member names no family, or a setting is wrong.
    """
    for candidate in (parse(member, warn=True) for member in members):
        if candidate.unlabelled:
            yield None  # it is trained on the predictions of those before it
        yield candidate


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Plans the candidates of a search while it runs.

    Attributes:
        train: Texts that all candidates are fitted to; `unlabelled` are further ones.
        validation: Texts that candidates are compared on.
        clock: The time left.
        cross_validated: Whether `validation` are the texts of `train`, in folds.
        encoder: The pretrained encoder that is tuned; None: there is none.
        frozen_encoder: The pretrained encoder that is tried with frozen weights; None: there is none.
        trained: The candidates trained so far; the list grows.
        in_blend: Gives those that are in the blend now, the best first.
    """

    train: Examples
    validation: Examples
    clock: Clock
    cross_validated: bool
    encoder: Encoder | None
    frozen_encoder: Encoder | None
    trained: Sequence[TrainedCandidate]
    in_blend: Callable[[], Sequence[TrainedCandidate]]

    def candidates(self) -> Iterator[Candidate | None]:
        """The next candidate to train, as long as time is left. None: wait for all candidates so far."""
        pace = yield from self._first_ngrams()
        if pace is None:
            return
        if self.cross_validated:  # with few texts, it is better than further n-grams
            yield from self._frozen_encoder(pace)
        postponed = yield from self._more_ngrams(pace)
        refit_s = self._refit_seconds()
        has_few = len(self.train) < cross_validation.FEW_TEXTS
        if has_few and not self.cross_validated:
            yield from self._frozen_encoder(pace)
        yield from self._pseudo_labelled()
        tuned = [] if self.encoder is None else [*self._tuned_encoder(self.encoder, pace, refit_s)]
        yield from tuned
        if not has_few and not tuned:
            yield from self._frozen_encoder(pace)
        if not backend.is_installed():
            return
        for candidate in postponed:  # the encoder may have left time
            if self.clock.left > _MANY * refit_s:
                yield candidate
        yield from self._word_networks(pace)
        yield None
        yield from self._repeats()

    def _first_ngrams(self) -> Generator[Candidate, None, float | None]:
        """The first n-gram models. Returns how many times as long as estimated this machine takes; None: no time."""
        started_at = time.perf_counter()
        if budget.needs_quick_model(self.train):
            yield Candidate(family=ngram.FAMILY, settings=_QUICK)
            quick_s = time.perf_counter() - started_at
            if self.clock.left < min(estimates.first_ngram(self.train), _QUICK_TIMES * quick_s):
                return None
            started_at = time.perf_counter()
        yield Candidate(family=ngram.FAMILY, settings={})
        first_s = time.perf_counter() - started_at
        return max(1.0, first_s / (_SLOW * estimates.first_ngram(self.train)))

    def _more_ngrams(self, pace: float) -> Generator[Candidate, None, list[Candidate]]:
        """N-gram models of other features and another weighting, in case the first choice, made on a sample, was wrong.

        If time is short, an encoder is worth more than a third n-gram model. Returns those for which there is no time.
        """
        weighting = "tf-idf" if not self.train.task.has_labels else "tf-idf-naive-bayes"
        reserved_s = 0.0
        if self.encoder is not None:
            overhead_s = self._overhead(self.encoder, estimates.SHORTEST_LENGTH)
            reserved_s = pace * (self._encoder_minimum(self.encoder) + overhead_s)
        another_s = sum(each.refit_seconds for each in self.trained if not each.candidate.is_frozen)
        postponed = []
        unspaced = scripts.mostly_in(cost.sample(self.train), scripts.UNSPACED)
        for features in _UNSPACED if unspaced else _SPACED:
            candidate = Candidate(family=ngram.FAMILY, settings={**features, "weighting": weighting})
            if self.clock.left - reserved_s > _MANY * another_s:
                yield candidate
            else:
                postponed.append(candidate)
        return postponed

    def _frozen_encoder(self, pace: float) -> Iterator[Candidate]:
        """An encoder with frozen weights, if there is time: it reads all of each text, or else 128 tokens.

        If it joins the blend, the refit reads all texts again, unless the fit already did.
        """
        encoder = self.frozen_encoder
        if encoder is None:
            return
        n_fits = 1 if self.cross_validated else 2
        left_s = (self.clock.left - self._refit_seconds()) / n_fits
        n_texts = len(self.train) + (0 if self.cross_validated else len(self.validation))
        for max_length, settings in (
            (float("inf"), {}),
            (pretrained.DEFAULT_LENGTH, {"predict_truncation": pretrained.Config.truncation}),
        ):
            if pace * estimates.frozen_encoder(self.train, n_texts, max_length, encoder.token_cost) < left_s:
                values = {"tune": "frozen", **settings, **_model_setting(encoder)}
                yield Candidate(family=pretrained.FAMILY, settings=values)
                return

    def _refit_seconds(self) -> float:
        """Seconds to fit the candidates to all texts that were fitted to a part."""
        return sum(each.refit_seconds_if(self.cross_validated) for each in self.trained)

    @property
    def _left_s(self) -> float:
        """Seconds left for one fit of a network."""
        n_fits = 1 + cross_validation.n_network_folds(len(self.train)) if self.cross_validated else 1
        return self.clock.left / n_fits

    def _pseudo_labelled(self) -> Iterator[Candidate | None]:
        """The best n-gram model and the frozen encoder once more, also fitted to pseudo-labels of unlabelled texts."""
        most = min(len(self.train.unlabelled), _MAX_PSEUDO_LABELS * len(self.train))
        if not most:
            return
        yield None
        texts_per_s = 1 / sum(1 / each.texts_per_s for each in self.trained)
        n_texts = int(min(most, texts_per_s * _LABELLING_SHARE * self.clock.left))
        if n_texts < _MIN_PSEUDO_LABELS:
            return
        task, targets = self.validation.task, self.validation.targets
        ngrams = [each for each in self.trained if each.candidate.family is ngram.FAMILY]
        best = min(ngrams, key=lambda each: float(task.losses(targets, each.logits).mean()))
        frozen = [each for each in self.trained if each.candidate.is_frozen]
        for each in [best, *frozen]:
            if self.clock.left > _MANY * each.seconds * (1 + n_texts / len(self.train)):
                config = each.fitted.config
                chosen = {key: getattr(config, key) for key in _CHOSEN if hasattr(config, key)}
                yield None  # it is trained on the predictions of those before it
                settings = {**each.candidate.settings, **chosen}
                yield Candidate(family=each.candidate.family, settings=settings, unlabelled=n_texts)

    def _tuned_encoder(self, encoder: Encoder, pace: float, refit_s: float) -> Iterator[Candidate]:
        """An encoder with all weights tuned, if it has enough texts and time."""
        if len(self.train) < _MIN_TUNED_TEXTS or not backend.is_installed():
            return
        max_length, overhead_s, epoch_s, left_s = self._encoder_time(encoder, pace, refit_s)
        whole_s = pace * self._overhead(encoder, max_length, whole=True)
        more_s = whole_s - overhead_s
        reads_whole = more_s < _WHOLE_SHARE * left_s
        left_s -= more_s * reads_whole
        if left_s <= pace * self._encoder_minimum(encoder):
            return
        settings: dict[str, object] = {
            "max_length": max_length,
            "tune": "all",
            "predict_truncation": "all" if reads_whole else pretrained.Config.truncation,
            **_model_setting(encoder),
        }
        tokens = estimates.tokens_per_text(self.train, max_length)
        if epoch_s < _ONCE_SHARE * left_s:
            left_s *= _ONCE_SHARE
            if len(self.train) * tokens > _MANY_BATCHES * pretrained.Config.batch_tokens:
                settings["epochs"] = 2  # or the part of the second for which there is time
        # Small batches take longer, the smallest by a third, but few large steps teach less.
        tokens_per_step = left_s / epoch_s * len(self.train) * tokens / _STEPS
        if tokens_per_step < pretrained.Config.batch_tokens:
            settings["batch_tokens"] = max(_MIN_BATCH, int(tokens_per_step) // _BATCH_UNIT * _BATCH_UNIT)
        seconds = _limited(left_s + pace * estimates.encoder_start())
        yield Candidate(family=pretrained.FAMILY, settings=settings, seconds=seconds)

    def _encoder_time(self, encoder: Encoder, pace: float, refit_s: float) -> _EncoderTime:
        """The largest length with which an encoder sees the texts often enough, or else the shortest."""
        for max_length, epochs in _LENGTHS.items():
            overhead_s = pace * self._overhead(encoder, max_length)
            left_s = self._left_s - refit_s - overhead_s
            epoch_s = pace * estimates.encoder_epoch(self.train, len(self.train), max_length, encoder.token_cost)
            if epochs * epoch_s < left_s:
                break
        return _EncoderTime(max_length=max_length, overhead_s=overhead_s, epoch_s=epoch_s, left_s=left_s)

    def _encoder_minimum(self, encoder: Encoder) -> float:
        return estimates.encoder_minimum(self.train, len(self.train), encoder.token_cost)

    def _overhead(self, encoder: Encoder, max_length: int, whole: bool = False) -> float:
        return estimates.encoder_overhead(self.train, len(self.validation), max_length, whole, encoder.token_cost)

    def _word_networks(self, pace: float) -> Iterator[Candidate]:
        """Networks that learn their own words."""
        refit_s = sum(each.refit_seconds_if(self.cross_validated) for each in self.in_blend())
        if self._left_s - refit_s > _MIN_NETWORK_S:
            seconds = _limited(0.7 * (self._left_s - refit_s - _NETWORK_OVERHEAD_S))
            yield Candidate(family=bag.FAMILY, settings={}, seconds=seconds)
        for family in (cnn.FAMILY, lstm.FAMILY):
            refit_s = sum(each.refit_seconds_if(self.cross_validated) for each in self.in_blend())
            left_s = self._left_s - refit_s - 2 * _NETWORK_OVERHEAD_S
            if left_s > pace * estimates.word_network_minimum(self.train):
                seconds = _limited(left_s)
                yield Candidate(family=family, settings={}, seconds=seconds)

    def _repeats(self) -> Iterator[Candidate]:
        """The networks of the blend with other seeds, while that improves the blend and all can still be refitted.

        Lakshminarayanan et al. (2017), "Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles".
        """
        networks = [
            each
            for each in self.in_blend()
            if isinstance(each.candidate.family, NetworkFamily) and not each.candidate.is_frozen
        ]
        for first in networks:
            family = first.candidate.family
            for seed in itertools.count(1):
                members = self.in_blend()
                repeats = [each for each in self.trained if each.candidate.family is family and each.candidate.seed]
                all_helped = all(any(each is member for member in members) for each in repeats)
                refit_s = sum(each.refit_seconds for each in [*members, first])
                scoring_s = len(first.logits) / first.texts_per_s
                if not all_helped or self.clock.left < first.seconds + scoring_s + refit_s:
                    break
                yield Candidate(family=family, settings=first.settings, seed=seed)


def _limited(seconds: float) -> float | None:
    """None where the time has no limit."""
    return None if seconds == float("inf") else seconds
