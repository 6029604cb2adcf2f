"""The settings of `ngram`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, get_args

from tenor._core.language import tr
from tenor.config.search_space import Choice, Range, Space
from tenor.config.settings import require, setting
from tenor.models.ngram.features import Weighting
from tenor.tasks import Task
from tenor.text.field_buckets import FieldBuckets

MAX_LENGTH = 8
"""Maximum number of tokens or characters in an n-gram."""


@dataclass(frozen=True)
class Config:
    """Settings of `ngram`; none means: chosen by validation."""

    former_names: ClassVar[Mapping[str, str]] = {
        "orders": "word_ngrams",
        "characters": "char_ngrams",
        "strength": "C",
        "minimum_texts": "min_df",
    }

    word_ngrams: tuple[int, ...] | None = setting(None, "lengths of word n-grams, such as `[1, 2]`; `[]` is off")
    char_ngrams: tuple[int, ...] | None = setting(
        None,
        "lengths of character n-grams, such as `[3, 4, 5]`; `[]` is off",
    )
    weighting: Weighting | None = setting(
        None,
        "`naive-bayes`, `tf-idf` or `tf-idf-naive-bayes`; none: chosen by validation",
    )
    C: float | None = setting(
        None,
        "C of the logistic regression; larger values fit the training texts more closely; none: chosen by validation",
    )
    field_buckets: FieldBuckets | None = setting(
        None,
        "how the n-grams of several text fields share buckets: `shared`, `own`, `both`, or for a pair `overlap`; "
        "none: chosen by validation",
    )
    feature_scale: float | None = setting(
        None,
        "weight of numbers, categories and dates beside the text, whose length is 1; none: chosen by validation",
    )
    min_df: int | None = setting(
        None, "minimum number of training texts with an n-gram; none: 1 with fewer than 10,000 training texts, else 2"
    )
    iterations: int = setting(200, "maximum number of L-BFGS steps; the solver stops earlier when it has converged")
    calibrated: bool = setting(
        True,
        "train further models in cross-validation to calibrate; without them there are no calibrated "
        "probabilities and no coverage",
    )

    def __post_init__(self) -> None:
        for key in ("word_ngrams", "char_ngrams"):
            require(
                all(1 <= order <= MAX_LENGTH for order in getattr(self, key) or ()),
                key,
                tr("must be lengths from 1 to 8"),
            )
        empty = (self.word_ngrams, self.char_ngrams) in (((), None), (None, ()), ((), ()))
        require(not empty, "word_ngrams", tr("must be lengths from 1 to 8 where `char_ngrams` are none"))
        require(self.C is None or self.C > 0, "C", tr("must be above 0"))
        scale = self.feature_scale
        require(scale is None or 1e-6 <= scale <= 1e6, "feature_scale", tr("must be from 1e-6 to 1e6"))
        require(self.min_df is None or self.min_df >= 1, "min_df", tr("must be 1 or more"))
        require(self.iterations >= 1, "iterations", tr("must be 1 or more"))

    @classmethod
    def space(cls, task: Task) -> Space:
        """The settings that a search may change."""
        by_classes = {} if not task.has_labels else {"weighting": Choice(get_args(Weighting))}
        return {
            "word_ngrams": Choice(((1,), (1, 2), (1, 2, 3))),
            "char_ngrams": Choice(((), (5,), (1, 2, 3), (3, 4, 5))),
            **by_classes,
            "C": Range(0.01, 1_000.0, log=True),
            "min_df": Range(1, 5, integer=True),
        }
