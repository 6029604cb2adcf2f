"""A number for each text: regression."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor.errors import SettingsError
from tenor.tasks.base import Activation, Floats, Kind, Label, LabelArray, Metric, Targets, Task

_STRATA = 10


@dataclass(frozen=True, kw_only=True)
class Regression(Task):
    """A number. Models learn it standardised, so that its unit does not matter.

    Attributes:
        mean: Mean of the training texts' values.
        std: Their standard deviation.
    """

    mean: float = 0.0
    std: float = 1.0
    labels: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """`regression`."""
        return "regression"

    @property
    def n_outputs(self) -> int:
        """One."""
        return 1

    @property
    def activation(self) -> Activation:
        """Identity."""
        return "identity"

    @property
    def primary_metric(self) -> Metric:
        """The coefficient of determination, R²."""
        return "r2"

    @property
    def has_labels(self) -> bool:
        """False."""
        return False

    @property
    def greater_is_better(self) -> bool:
        """False: slices have the mean absolute error."""
        return False

    def encode(self, labels: Sequence[float]) -> Targets:
        """The values, (texts,)."""
        return np.asarray(labels, np.float32)

    def decode(self, targets: Targets) -> LabelArray:
        """The values, (texts,)."""
        return targets

    def output_targets(self, targets: Targets) -> Floats:
        """Standardised values, (texts, 1)."""
        return np.asarray((targets[:, None] - self.mean) / self.std, np.float32)

    def probabilities(self, logits: Floats) -> Floats:
        """Raise SettingsError: there are none."""
        raise SettingsError(tr("the model predicts numbers and has no probabilities."), tr("Call predict."))

    def label_indicators(self, probabilities: Floats) -> npt.NDArray[np.bool_]:
        """(texts, 0): there are no labels."""
        return np.zeros((len(probabilities), 0), bool)

    def values(self, logits: Floats) -> Floats:
        """Turn outputs of shape (texts, 1) into values, (texts,)."""
        return np.asarray(logits[:, 0].astype(np.float64) * self.std + self.mean, np.float32)

    def scores(self, logits: Floats) -> Floats:
        """Values, (texts, 1)."""
        return self.values(logits)[:, None]

    def soft_targets(self, logits: Floats) -> Targets:
        """Values, (texts,)."""
        return self.values(logits)

    def predict(self, logits: Floats) -> Targets:
        """Values, (texts,)."""
        return self.values(logits)

    def losses(self, targets: Targets, logits: Floats) -> Floats:
        """Squared error of each text in units of the variance, (texts,)."""
        return np.asarray(np.square(logits - self.output_targets(targets))[:, 0], np.float32)

    def training_metrics(self, targets: Targets, logits: Floats) -> dict[str, float]:
        """`mean_absolute_error`, in the unit of the values."""
        return {"mean_absolute_error": float(np.abs(self.values(logits) - targets).mean())}

    def strata(self, targets: Targets) -> Targets:
        """The tenth of the values that each value belongs to."""
        edges = np.quantile(targets, np.arange(1, _STRATA) / _STRATA) if len(targets) else np.zeros(0)
        return np.searchsorted(edges, targets)

    def class_logits(
        self, targets: Targets, logits: Floats
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]] | None:
        """None: numbers have no probabilities to calibrate."""
        return None

    def decisions(self, targets: Targets, probabilities: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """None."""
        return np.zeros(0, np.float32), np.zeros(0, bool)

    def brier_score(self, targets: Targets, probabilities: Floats) -> float:
        """NaN: there are no probabilities."""
        return math.nan

    def metric_terms(self, targets: Targets, predicted: Targets) -> npt.NDArray[np.float64]:
        """Those of the mean absolute error, (texts, 2)."""
        error = np.abs(predicted.astype(np.float64) - targets)
        return np.stack([error, np.ones(len(error))], axis=1)

    def confidence_in_error(self, targets: Targets, logits: Floats) -> Floats:
        """The absolute error, (texts,)."""
        return np.abs(self.values(logits) - targets)

    def nonconformity(self, logits: Floats) -> Floats:
        """(texts, 0): there are no labels."""
        return np.zeros((len(logits), 0), np.float32)

    def label_positions(self, targets: Targets) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """None: there are no labels."""
        return np.zeros(0, np.int64), np.zeros(0, np.int64)

    def label_matrix(self, targets: Targets) -> npt.NDArray[np.bool_]:
        """(texts, 0): there are no labels."""
        return np.zeros((len(targets), 0), bool)

    def logit_directions(self) -> tuple[npt.NDArray[np.float64], float]:
        """The value itself."""
        return np.full((1, 1), self.std), self.mean

    def label_names(self, label: Label) -> tuple[str, ...]:
        """None."""
        return ()

    def describe_label(self, label: Label) -> str:
        """The number with six digits."""
        return f"{float(label):.6g}"

    def label_problem(self, label: Label) -> str | None:
        """It must be a finite number."""
        number = isinstance(label, (int, float)) and math.isfinite(label)
        return None if number else tr("the model predicts numbers: give one.")

    def describe(self) -> str:
        """`values: mean 3.1, standard deviation 0.8`."""
        return tr("values: mean {mean:.4g}, standard deviation {std:.4g}", mean=self.mean, std=self.std)

    def union(self, other: Task) -> "Regression":
        """The task itself: numbers have no labels."""
        return self

    def to_dict(self) -> dict[str, object]:
        """The task as JSON. The keys are those of the first format of model folders."""
        return {"kind": self.kind, "centre": self.mean, "spread": self.std}
