"""The clock of a search, and what its time allows: a comparison, and a pretrained encoder."""

import time
from collections.abc import Iterable, Sequence

from tenor.models.auto import cross_validation, estimates
from tenor.models.base import Examples
from tenor.models.families import pretrained
from tenor.models.neural import backend
from tenor.models.pretrained.catalogue import Encoder

_VALIDATION = 0.2  # share of the texts on which models are compared
_MIN_VALIDATION, _MAX_SHARE = 500, 0.3
_MAX_VALIDATION, _MAX_VALIDATION_ENCODER = 5_000, 2_000  # an encoder takes long to score them
_MANY_LABELS = 8
_MIN_FIRST_TIMES = 3  # a comparison needs this many times the time of the first model
_NGRAM_TIMES = 2  # n-gram models take this many times the time of the first, beside an encoder
_MIN_ENCODER_S = 40.0  # with less, no encoder learns enough


class Clock:
    """The time that is left of a budget.

    Args:
        budget: Seconds; None: no limit.
    """

    def __init__(self, budget: float | None) -> None:
        self.end = None if budget is None else time.perf_counter() + budget

    def reserving(self, seconds: float) -> "Clock":
        """A clock that ends this many seconds earlier."""
        clock = Clock(None)
        clock.end = None if self.end is None else self.end - seconds
        return clock

    @property
    def left(self) -> float:
        """Seconds that are left: negative after the end, infinite without a limit."""
        return float("inf") if self.end is None else self.end - time.perf_counter()

    @property
    def deadline(self) -> float | None:
        """The end in seconds since 1970, which mean the same on all machines; None: no limit."""
        return None if self.end is None else time.time() + self.left


def validation_share(n_texts: int, with_encoder: bool) -> float:
    """The share of `n_texts` texts on which models are compared."""
    most = _MAX_VALIDATION_ENCODER if with_encoder else _MAX_VALIDATION
    return min(max(_VALIDATION, _MIN_VALIDATION / n_texts), _MAX_SHARE, max(most / n_texts, 0.01))


def allows_comparison(budget: float | None, examples: Examples) -> bool:
    """Whether there is time for more than one n-gram model. A single one is better fitted to all texts."""
    return budget is None or needs_quick_model(examples) or budget > _MIN_FIRST_TIMES * estimates.first_ngram(examples)


def needs_quick_model(examples: Examples) -> bool:
    """Whether choosing the settings of an n-gram model takes so long that one with fixed settings goes first."""
    return estimates.n_labels(examples) >= _MANY_LABELS


def uses_encoder(members: Sequence[str]) -> bool:
    """Whether `members` names a pretrained encoder."""
    return any(member.split()[0] == pretrained.FAMILY.name for member in members)


def tuned_encoder(budget: float | None, examples: Examples, encoders: Iterable[Encoder]) -> Encoder | None:
    """The first of the encoders that there is time to tune, or None.

    Args:
        budget: Seconds; None: no limit.
        examples: The texts.
        encoders: Encoders that can read them, the best first.
    """
    if not backend.is_installed() or (budget is not None and budget < _MIN_ENCODER_S):
        return None
    if len(examples) < cross_validation.FEW_TEXTS or budget is None:
        return next(iter(encoders), None)
    n_validation = int(validation_share(len(examples), True) * len(examples))
    first_s = _NGRAM_TIMES * estimates.first_ngram(examples)
    for encoder in encoders:
        needed_s = first_s + estimates.encoder_minimum(examples, len(examples) - n_validation, encoder.token_cost)
        needed_s += estimates.encoder_overhead(
            examples, n_validation, estimates.SHORTEST_LENGTH, token_cost=encoder.token_cost
        )
        if budget >= needed_s:
            return encoder
    return None


def frozen_encoder(budget: float | None, examples: Examples, encoders: Iterable[Encoder]) -> Encoder | None:
    """The first of the encoders that there is time to try with frozen weights, or None.

    Args:
        budget: Seconds; None: no limit.
        examples: The texts.
        encoders: Encoders that can read them, the best first.
    """
    from tenor.models.pretrained import frozen  # which a prediction does not load

    if not (frozen.is_available() or backend.is_installed()):
        return None
    first_s = estimates.first_ngram(examples)
    for encoder in encoders:
        seconds = _MIN_ENCODER_S
        if frozen.is_available():
            length = pretrained.DEFAULT_LENGTH
            seconds = estimates.frozen_encoder(examples, len(examples), length, encoder.token_cost)
        if budget is None or first_s + seconds < budget:
            return encoder
    return None
