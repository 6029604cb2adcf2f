"""Settings that all families of networks share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from tenor._core.language import tr
from tenor._core.records import JsonMapping, JsonObject
from tenor.config.search_space import Choice, Space, log_range
from tenor.config.settings import require, setting
from tenor.tasks import Task
from tenor.text.encoded import Truncation

Activation = Literal["relu", "tanh", "sigmoid", "gelu"]
Loss = Literal["cross-entropy", "mean-squared-error", "mean-absolute-error", "huber"]
Optimizer = Literal["adam", "adamw", "sgd", "momentum", "rmsprop"]
Precision = Literal["auto", "float32", "bfloat16"]
TokenKind = Literal["words", "subwords"]

MIN_SUBWORDS = 1_000
"""The smallest vocabulary of subwords."""


@dataclass(frozen=True)
class NetworkConfig:
    """Settings that every family of networks has."""

    min_epochs: ClassVar[int] = 2
    former_names: ClassVar[Mapping[str, str]] = {
        "maximum_tokens": "max_length",
        "keep": "truncation",
        "predict_keep": "predict_truncation",
    }

    optimizer_defaults: ClassVar[Mapping[str, Mapping[str, float]]] = {}
    """Optimizer -> defaults of settings that differ from those of Adam."""

    not_compiled: ClassVar[tuple[str, ...]] = (
        "batch_tokens",
        "epochs",
        "steps",
        "patience",
        "validation",
        "calibration",
        "warmup",
    )
    """Settings that the network and its compiled training step do not depend on."""

    max_length: int = setting(200, "longer texts are truncated to this many tokens")
    truncation: Truncation = setting(
        "end",
        "truncation in training: `end`, `start`, `both` (a quarter from the start, the rest from the end), "
        "`windows` (all of the text, with averaged logits), or `all` (`windows` and `both`)",
    )
    predict_truncation: Truncation | None = setting(None, "truncation in prediction; none: the same as in training")
    loss: Loss | None = setting(
        None,
        "`cross-entropy`, `mean-squared-error`, and for numbers `mean-absolute-error` or `huber` (robust to "
        "outliers); none: cross-entropy, for numbers the mean squared error",
    )
    label_smoothing: float = setting(
        0.1,
        "share of the target that is spread evenly over all classes (Szegedy et al., 2016); 0 is off",
    )
    focal: float = setting(
        0.0,
        "focal loss (Lin et al., 2017): reduces the weight of well classified texts; 2 is usual, 0 is off",
    )
    optimizer: Optimizer = setting("adam", "`adam`, `adamw`, `sgd`, `momentum` or `rmsprop`")
    learning_rate: float = setting(0.008, "the peak learning rate; it rises to it and then falls linearly to 0")
    embedding_rate: float = setting(1.0, "learning rate of the vectors of tokens, relative to `learning_rate`")
    frequency_power: float = setting(
        0.0,
        "the learning rate of a token's vector is divided by this power of its occurrences per batch, so that rare "
        "tokens learn as well (Li et al., 2022), and multiplied by the size of a batch in units of 1,024 tokens; 0 is "
        "off",
    )
    warmup: float = setting(0.05, "share of the steps in which the learning rate rises")
    clip_norm: float | None = setting(1.0, "maximum norm of the gradient (Pascanu et al., 2013); none is off")
    batch_tokens: int = setting(12_800, "maximum number of tokens in a batch; little data uses smaller batches")
    gradient_accumulation: int = setting(
        1,
        "compute each batch in this many parts, one after the other: the same gradient, and the activations of one "
        "part in memory",
    )
    epochs: int | None = setting(
        None, "passes over the training texts; none: about 300 batches, in 2 (`pretrained`: 1) to 10 epochs"
    )
    steps: int | None = setting(None, "maximum number of batches in all; none: those of all epochs")
    patience: int | None = setting(2, "stop after this many epochs without a better validation loss; none is off")
    validation: float = setting(
        0.1,
        "share of the training texts that chooses the best epoch; 0 keeps the last epoch. From 1,000 texts, half "
        "of them calibrate instead; fewer serve both",
    )
    calibration: float = setting(
        0.0,
        "share of the training texts held out for calibration if `validation` is 0: 100 to 2,000 texts, or none",
    )

    def __post_init__(self) -> None:
        require(self.epochs is None or self.epochs >= 1, "epochs", tr("must be 1 or more, or none"))
        require(self.gradient_accumulation >= 1, "gradient_accumulation", tr("must be 1 or more"))
        require(self.steps is None or self.steps >= 1, "steps", tr("must be 1 or more, or none"))
        for key in ("max_length", "batch_tokens"):
            value = getattr(self, key)
            require(value is None or value >= 1, key, tr("must be 1 or more"))
        for key in ("learning_rate", "embedding_rate"):
            require(getattr(self, key) > 0, key, tr("must be above 0"))
        require(0 <= self.frequency_power <= 1, "frequency_power", tr("must be between 0 and 1"))
        require(0 <= self.label_smoothing < 1, "label_smoothing", tr("must be at least 0 and below 1"))
        require(self.focal >= 0, "focal", tr("must be 0 or more"))
        require(
            self.loss in (None, "cross-entropy") or not self.focal, "focal", tr("belongs to the loss cross-entropy")
        )
        require(0 <= self.warmup <= 1, "warmup", tr("must be between 0 and 1"))
        for key in ("validation", "calibration"):
            require(0 <= getattr(self, key) < 1, key, tr("must be at least 0 and below 1"))
        require(self.clip_norm is None or self.clip_norm > 0, "clip_norm", tr("must be above 0, or none"))
        require(self.patience is None or self.patience >= 1, "patience", tr("must be 1 or more, or none"))

    @property
    def inference_truncation(self) -> Truncation:
        """How predictions truncate long texts."""
        return self.predict_truncation or self.truncation

    @property
    def notes(self) -> tuple[str, ...]:
        """What a fit says about settings that were filled in."""
        return ()

    @classmethod
    def derived_defaults(cls, values: JsonMapping) -> JsonObject:
        """Defaults that depend on the settings that were given: those of the optimizer.

        The step of Adam does not depend on the size of the gradient; that of gradient descent does. A word occurs in
        few texts of a batch, so the gradient of its vector is small, and the vectors need a larger learning rate:
        those of rare words a larger one than those of frequent words. The gradient is a mean over the batch, so one
        occurrence of a rare word counts the less, the larger the batch is.
        """
        return dict(cls.optimizer_defaults.get(str(values.get("optimizer")), {}))

    @classmethod
    def space(cls, _: Task) -> Space:
        """The settings that a search may change."""
        return {"learning_rate": log_range(cls.learning_rate, 8, 4), "label_smoothing": Choice((0.0, 0.05, 0.1, 0.2))}

    def for_texts(self, n_texts: int) -> Self:
        """The settings with those filled in that depend on the number of training texts."""
        return self


@dataclass(frozen=True)
class WordConfig(NetworkConfig):
    """Settings of the families that learn a vector for each token of a vocabulary."""

    vocabulary: int = setting(10_000, "size of the vocabulary, including the tokens for padding and unknown")
    tokens: TokenKind | None = setting(
        None,
        "`words` or `subwords`; none: subwords if most texts are in a script without spaces, else words",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.vocabulary >= 3, "vocabulary", tr("must be 3 or more"))
        require(
            self.tokens != "subwords" or self.vocabulary >= MIN_SUBWORDS,
            "vocabulary",
            tr("must be {min_subwords} or more for subwords, as 256 of them are bytes", min_subwords=MIN_SUBWORDS),
        )

    @classmethod
    def space(cls, task: Task) -> Space:
        """The settings that a search may change."""
        return {**super().space(task), "vocabulary": Choice((5_000, 10_000, 20_000, 40_000))}
