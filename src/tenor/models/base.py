"""What every family shares: examples, the protocol of a model, and a fitted model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from tenor._core.records import JsonObject
from tenor.data.fields import SINGLE_TEXT, Fields
from tenor.data.split import Groups
from tenor.data.text_source import text_source
from tenor.evaluation.calibration import Calibration
from tenor.evaluation.conformal import Conformal
from tenor.models.attribution import Attribution
from tenor.tasks import Floats, Targets, Task
from tenor.text.chinese import CharacterMap

Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]
"""Weights by name, of any type of number."""

FamilyConfig: TypeAlias = Any
"""The settings of a family: its own frozen dataclass, which only the family knows."""

FeatureMatrix: TypeAlias = Any
"""(texts, features): a NumPy array or a SciPy sparse matrix, for which SciPy gives no types."""

HistoryRow: TypeAlias = JsonObject
"""A row of a table by column: numbers, strings or None."""


class Model(Protocol):
    """A trained model: raw texts in, logits out."""

    def logits(self, texts: Sequence[str]) -> Floats:
        """Logits of shape (texts, outputs), in the order of `texts`."""

    def attribute(self, texts: Sequence[str], directions: Floats) -> list[Attribution]:
        """What the characters of each text add to a weighted sum of its logits.

        Args:
            texts: The texts.
            directions: (texts, outputs) weights of the sum.
        """

    def represent(self, texts: Sequence[str]) -> FeatureMatrix:
        """The features behind the logits, scaled to length 1: (texts, features). Similar texts have similar vectors."""

    def arrays(self) -> Arrays:
        """Everything learned, by name, for `weights.safetensors`."""

    def encoder(self) -> JsonObject:
        """How texts become features, for `encoder.json`."""

    def graphs(self) -> Mapping[str, bytes]:
        """The ONNX graphs of a network by file name; empty for other models."""


@dataclass(frozen=True)
class Examples:
    """Labelled texts to train on.

    Attributes:
        texts: The texts, in memory or on disk.
        targets: (texts, ...) their labels, encoded by `task.encode`.
        task: What is predicted.
        weights: (texts,) how much each counts, 1 on average.
        groups: (texts,) number of each text's group; a split keeps a group together. None: each text is a group.
        unlabelled: Further texts, without labels.
        validation: Texts that choose settings and epochs and calibrate; nothing is trained on them. None: a family
            holds out a part of these texts where it needs one.
        fields: The columns that a text is joined from.
    """

    texts: Sequence[str]
    targets: Targets
    task: Task
    weights: Floats
    groups: Groups | None = None
    unlabelled: Sequence[str] = ()
    validation: "Examples | None" = None
    fields: Fields = SINGLE_TEXT

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: npt.NDArray[np.int64]) -> "Examples":
        """The examples of these rows, in this order, without the validation part."""
        texts = text_source(self.texts)
        return replace(
            self,
            texts=texts.take(rows),
            targets=texts.take_rows(self.targets, rows),
            weights=texts.take_rows(self.weights, rows),
            groups=None if self.groups is None else self.groups[rows],
            validation=None,
        )

    def split(self, share: float, seed: int) -> "tuple[Examples, Examples]":
        """Two parts: the rest, and about this share of the examples, drawn by class and group."""
        texts = text_source(self.texts)
        kept, held_out = texts.hold_out(texts.strata(self.targets, self.task), share, seed, self.groups)
        return self.take(kept), replace(self.take(held_out), unlabelled=())

    def train_validation_split(self, share: float, seed: int) -> "tuple[Examples, Examples]":
        """Examples to train on, and to validate on: `validation`, or about this share where there is none."""
        if self.validation is None:
            return self.split(share, seed)
        return replace(self, validation=None), self.validation

    def fold(self, character_map: CharacterMap | None) -> "Examples":
        """The examples with the characters of the map replaced in all texts."""
        if character_map is None:
            return self
        return replace(
            self,
            texts=text_source(self.texts).map(character_map.fold),
            unlabelled=text_source(self.unlabelled).map(character_map.fold),
            validation=None if self.validation is None else self.validation.fold(character_map),
        )

    def in_memory(self) -> "Examples":
        """The examples with texts and targets in memory."""
        return replace(self, texts=list(self.texts), targets=np.array(self.targets))


class HeldOut(NamedTuple):
    """Training texts that the model, or one like it, was not trained on.

    Attributes:
        targets: (texts, ...) their labels, encoded by `task.encode`.
        logits: (texts, outputs).
        chose_epoch: Whether these texts also chose the best epoch.
        rows: (texts,) which of the examples of the fit these are; None: they are others.
    """

    targets: Targets
    logits: Floats
    chose_epoch: bool = False
    rows: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Fitted:
    """A fitted model.

    Attributes:
        task: What is predicted, with thresholds of labels where they were chosen.
        model: The model.
        config: The settings that it was fitted with; open ones are filled in.
        timing: Seconds by step: `encode_s`, `choose_s`, `fit_s`, `calibrate_s`.
        history: A row for each epoch, or for each candidate, for `history.csv`.
        held_out: The source of calibration, conformal scores and thresholds; None: nothing was held out.
        calibration: Turns logits into those of calibrated probabilities; None: there is no calibration.
        conformal: Scores behind prediction sets with a chosen coverage; None: there are none.
        steps: A row for each step of a network, for `steps.csv`.
        fields: The columns that a text is joined from; `fitting.fit` sets them.
        selection: Which of several models was kept, and why, for `metrics.json`; None: there was one model.
        character_map: Characters that the model reads as others; `fitting.fit` sets it.
    """

    task: Task
    model: Model
    config: FamilyConfig
    timing: dict[str, float]
    history: list[HistoryRow]
    held_out: HeldOut | None = None
    calibration: Calibration | None = None
    conformal: Conformal | None = None
    steps: Sequence[HistoryRow] = ()
    fields: Fields = SINGLE_TEXT
    selection: JsonObject | None = None
    character_map: CharacterMap | None = None
