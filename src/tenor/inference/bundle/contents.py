"""The contents of a saved folder in memory: a trained model or a pretrained encoder."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tenor._core.records import JsonMapping, JsonObject
from tenor.data.fields import SINGLE_TEXT, Fields
from tenor.evaluation.calibration import Calibration
from tenor.evaluation.conformal import Conformal
from tenor.inference.bundle.format import to_json
from tenor.inference.bundle.metrics_file import Metrics, Timing
from tenor.models.base import Arrays, FamilyConfig, Fitted, Model
from tenor.models.family import Family
from tenor.tasks import Task
from tenor.text.chinese import CharacterMap


@dataclass(frozen=True)
class Bundle:
    """A trained model with its metadata.

    Attributes:
        family: The model's family.
        config: The family's settings.
        task: The task: which labels or values are predicted.
        model: The model.
        metadata: Further fields of `tenor.json`: columns, seed, versions, the fingerprint of the data.
        metrics: The contents of `metrics.json`.
        history: Rows of `history.csv`.
        calibration: Turns the model's logits into those of calibrated probabilities; None: nothing to calibrate.
        conformal: Scores that prediction sets and intervals come from; None: no texts were held out.
        documents: Files for people, by name: `report.html` and `README.md`.
        steps: Rows of `steps.csv`; empty unless a network was trained step by step.
        notes: Parts that are not used on this machine, and why. Notes are not saved.
        digest: SHA-256 of the manifest of the folder that was read; empty where the model was not read from one.
        fields: The columns that a text is joined from.
        character_map: Characters that the model reads as others; None: none.
    """

    family: Family
    config: FamilyConfig
    task: Task
    model: Model
    metadata: JsonMapping
    metrics: Metrics
    history: Sequence[JsonMapping]
    calibration: Calibration | None = None
    conformal: Conformal | None = None
    documents: Mapping[str, bytes] = field(default_factory=dict)
    steps: Sequence[JsonMapping] = ()
    notes: tuple[str, ...] = ()
    digest: str = ""
    fields: Fields = SINGLE_TEXT
    character_map: CharacterMap | None = None

    def fold(self, texts: Sequence[str]) -> Sequence[str]:
        """The texts as the model reads them; characters keep their positions."""
        return texts if self.character_map is None else self.character_map.fold(texts)

    @classmethod
    def from_fitted(
        cls, family: Family, fitted: Fitted, metadata: JsonMapping, timing: Mapping[str, float] | None = None
    ) -> "Bundle":
        """A model that was just fitted and not yet measured.

        Args:
            family: The model's family.
            fitted: The model.
            metadata: Further fields of `tenor.json`.
            timing: Seconds by step before fitting; None: fitting was the first step.
        """
        return cls(
            family=family,
            config=fitted.config,
            task=fitted.task,
            model=fitted.model,
            metadata=metadata,
            metrics=Metrics(Timing(**(timing or {}), **fitted.timing), selection=fitted.selection),
            history=fitted.history,
            calibration=fitted.calibration,
            conformal=fitted.conformal,
            steps=fitted.steps,
            fields=fitted.fields,
            character_map=fitted.character_map,
        )


@dataclass(frozen=True)
class EncoderBundle:
    """A pretrained encoder, from which training may start.

    Attributes:
        family: The encoder's family.
        config: The family's settings.
        text_encoder: The contents of `encoder.json`: how texts become ids.
        arrays: Weights by name.
        metadata: Further fields of `tenor.json`.
        metrics: The contents of `metrics.json`.
        history: Rows of `history.csv`.
        documents: Files for people, by name.
        steps: Rows of `steps.csv`.
    """

    family: Family
    config: FamilyConfig
    text_encoder: JsonObject
    arrays: Arrays
    metadata: JsonMapping
    metrics: Metrics
    history: Sequence[JsonMapping]
    documents: Mapping[str, bytes] = field(default_factory=dict)
    steps: Sequence[JsonMapping] = ()

    def fingerprint(self) -> str:
        """SHA-256 of the weights and of how texts become ids."""
        digest = hashlib.sha256(to_json(self.text_encoder))
        for name in sorted(self.arrays):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(self.arrays[name]).data)
        return digest.hexdigest()
