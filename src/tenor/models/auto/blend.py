"""A blend: a weighted sum of the logits of several models, a product of their probabilities (Hinton, 2002).

The weights minimise the loss on texts that no model was fitted to. Exact explanations of the models add up to one of
the blend, and a text has the same logits alone and in a batch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor._core.records import JsonObject, Record, RecordError
from tenor.config import settings
from tenor.data.blocks import Rows
from tenor.models.attribution import Attribution, FeatureShares
from tenor.models.base import Arrays, FamilyConfig, FeatureMatrix, Model
from tenor.models.family import EnsembleFamily, Family, SavedModel
from tenor.tasks import Floats, Targets, Task

ValueT = TypeVar("ValueT")

Losses: TypeAlias = npt.NDArray[np.float64]
"""(texts,) the loss of each text, in nats."""

_MAX_WEIGHT = 20.0
_MAX_MEMBERS = 100
_SUM_PRIOR = 2.0  # nats that weights with a sum of 2 instead of 1 add to the loss summed over the texts

_MIN_COMPARED = 2  # texts; a standard error needs them

_FILE = "encoder.json"


@dataclass(frozen=True)
class Member:
    """A model of a blend.

    Attributes:
        family: Its family.
        config: Its settings.
        model: The model.
        weight: Factor of its logits, above 0.
    """

    family: Family
    config: FamilyConfig
    model: Model
    weight: float


@dataclass(frozen=True)
class Blend:
    """Models whose weighted logits are summed.

    Attributes:
        members: The models, the one that is best alone first.
    """

    members: tuple[Member, ...]

    def logits(self, texts: Sequence[str]) -> Floats:
        """Logits of shape (texts, outputs)."""
        return combined([member.model.logits(texts) for member in self.members], self.weights)

    @property
    def weights(self) -> list[float]:
        """The weight of each member."""
        return [member.weight for member in self.members]

    def attribute(self, texts: Sequence[str], directions: Floats) -> list[Attribution]:
        """The attributions of the members, summed. A character counts as read if one of the models reads it.

        Args:
            texts: The texts.
            directions: (texts, outputs) weights of the logits.
        """
        each = [member.model.attribute(texts, directions * np.float32(member.weight)) for member in self.members]
        return [
            Attribution(
                np.sum([part.characters for part in parts], axis=0),
                np.any([part.was_read for part in parts], axis=0),
                sum(part.base_value for part in parts),
                sum(part.convergence_delta for part in parts),
                _sum_features([part.features for part in parts]),
            )
            for parts in zip(*each, strict=True)
        ]

    def represent(self, texts: Sequence[str]) -> FeatureMatrix:
        """The features of the first member, the one that is best alone."""
        return self.members[0].model.represent(texts)

    def arrays(self) -> Arrays:
        """The weights of all members, by number and name."""
        return {
            f"{number}/{name}": array
            for number, member in enumerate(self.members)
            for name, array in member.model.arrays().items()
        }

    def encoder(self) -> JsonObject:
        """The members with their settings, encoders and weights, for `encoder.json`."""
        return {
            "kind": "blend",
            "members": [
                {
                    "family": member.family.name,
                    "settings": settings.as_dict(member.config),
                    "encoder": member.model.encoder(),
                    "weight": member.weight,
                }
                for member in self.members
            ],
        }

    def graphs(self) -> Mapping[str, bytes]:
        """The ONNX graphs of all members, by number and file name."""
        return {
            f"{number}.{name}": graph
            for number, member in enumerate(self.members)
            for name, graph in member.model.graphs().items()
        }


def _sum_features(parts: Sequence[FeatureShares]) -> FeatureShares:
    """The shares of each feature over all members, which know the same ones."""
    return tuple((features[0][0], sum(share for _, share in features)) for features in zip(*parts, strict=True))


def restore(saved: SavedModel) -> Blend:
    """Restore the blend that `Blend.encoder`, `Blend.arrays` and `Blend.graphs` saved.

    Raises:
        ValueError: The parts disagree.
    """
    record = Record(saved.encoder, _FILE)
    record.choice("kind", ("blend",))
    described = record.records("members", _MAX_MEMBERS)
    if not described:
        raise record.error("members", tr("there is none"))
    arrays = _by_member(saved.arrays, "/", len(described))
    graphs = _by_member(saved.graphs, ".", len(described))
    members = []
    for number, member in enumerate(described):
        weight = member.number("weight", 0, _MAX_WEIGHT)
        if not weight:
            raise member.error("weight", tr("it is 0"))
        family = saved.find_family(member.string("family"))
        if isinstance(family, EnsembleFamily):
            raise ValueError(tr("a blend is part of a blend"))
        try:
            config = settings.restore(family.config, member.record("settings").values, _FILE)
            encoder = member.record("encoder").values
            model = family.restore(
                SavedModel(
                    config=config,
                    encoder=encoder,
                    arrays=arrays[number],
                    task=saved.task,
                    graphs=graphs[number],
                    find_family=saved.find_family,
                )
            )
        except RecordError as error:
            raise error.within(f"members[{number}].encoder") if error.file == _FILE else error from None
        members.append(Member(family, config, model, weight))
    return Blend(tuple(members))


def _by_member(values: Mapping[str, ValueT], separator: str, n_members: int) -> list[dict[str, ValueT]]:
    """Arrays or graphs with names such as `0/name` -> those of each member. Raises ValueError for another number."""
    members: list[dict[str, ValueT]] = [{} for _ in range(n_members)]
    numbers = {str(number): number for number in range(n_members)}
    for name, value in values.items():
        prefix, _, rest = name.partition(separator)
        if prefix not in numbers:
            raise ValueError(tr("{name!r} is of no model of the blend", name=name[:100]))
        members[numbers[prefix]][rest] = value
    return members


def combined(logits: Sequence[Floats], weights: Sequence[float] | npt.NDArray[np.float64]) -> Floats:
    """The weighted sum, (texts, outputs), float32."""
    total = np.zeros(logits[0].shape, np.float64)
    for each, weight in zip(logits, weights, strict=True):
        total += weight * each.astype(np.float64)
    return total.astype(np.float32)


class Choice(NamedTuple):
    """The models to blend.

    Attributes:
        weights: The weight of each chosen model, by its number, the one that is best alone first; empty if none is
            allowed.
        baseline: The number of the first allowed model, the simplest; None: none is allowed.
        n_texts: Texts on which the chosen models were compared.
        loss: Mean loss of the choice on them.
        baseline_loss: Mean loss of the baseline on the same texts.
        n_compared: Models that are allowed alone.
    """

    weights: dict[int, float]
    baseline: int | None = None
    n_texts: int = 0
    loss: float = float("nan")
    baseline_loss: float = float("nan")
    n_compared: int = 0


def choose(
    logits: Sequence[Floats], targets: Targets, task: Task, allowed: Callable[[Sequence[int]], bool] = lambda _: True
) -> Choice:
    """Choose the models to blend and their weights.

    The choice begins with the first model, the simplest. As long as that is better beyond noise, another model replaces
    it, or joins it: the mean loss falls by more than the standard error of that fall over the texts. A model that joins
    brings a weight that was fitted to the same texts, which counts against it (Akaike, 1974).

    Args:
        logits: Of each model, (texts, outputs), for texts that it was not fitted to; NaN for a text that it did not
            score. Models are compared on texts that all of them scored.
        targets: Their labels, encoded by `task.encode`.
        task: What is predicted.
        allowed: Whether the models with these numbers may be blended.
    """
    scored = [np.asarray(~np.isnan(each).any(axis=1)) for each in logits]
    usable = [number for number in range(len(logits)) if scored[number].any() and allowed([number])]
    if not usable:
        return Choice({})

    known: dict[tuple[tuple[int, ...], int], Losses] = {}

    def losses(numbers: Sequence[int], rows: Rows) -> Losses:
        key = tuple(numbers), len(rows)  # texts that are scored by fewer models are among those that more scored
        if key not in known:
            some = [logits[number][rows] for number in numbers]
            known[key] = _losses(some, _weights(some, targets[rows], task), targets[rows], task)
        return known[key]

    def gain(numbers: Sequence[int]) -> float:
        """How much lower the mean loss is than that of the present choice; 0 if that may be noise."""
        rows = _common_rows([*chosen, *numbers], scored)
        if len(rows) < _MIN_COMPARED:
            return 0.0
        fall = losses(chosen, rows) - losses(numbers, rows)
        mean = float(fall.mean()) - max(0, len(numbers) - len(chosen)) / len(rows)
        return mean if mean > fall.std(ddof=1) / np.sqrt(len(rows)) else 0.0

    chosen = usable[:1]
    while True:
        replacements = [[number] for number in usable if number not in chosen] if len(chosen) == 1 else []
        additions = [[*chosen, number] for number in usable if number not in chosen]
        gains = [(gain(numbers), numbers) for numbers in [*replacements, *additions] if allowed(numbers)]
        best_gain, best = max(gains, key=lambda each: each[0], default=(0.0, chosen))
        if best_gain <= 0:
            break
        chosen = best
    rows = _common_rows(chosen, scored)
    weights = _weights([logits[number][rows] for number in chosen], targets[rows], task)
    kept = {number: weight for number, weight in zip(chosen, weights, strict=True) if weight > 0} or {chosen[0]: 1.0}
    alone = {number: float(losses([number], rows).mean()) for number in kept}
    # The logits of a single model are not scaled: calibration does that.
    ordered = {number: kept[number] if len(kept) > 1 else 1.0 for number in sorted(kept, key=lambda each: alone[each])}
    rows = _common_rows([usable[0], *ordered], scored)
    return Choice(
        weights=ordered,
        baseline=usable[0],
        n_texts=len(rows),
        loss=float(losses(list(ordered), rows).mean()),
        baseline_loss=float(losses(usable[:1], rows).mean()),
        n_compared=len(usable),
    )


def _common_rows(numbers: Sequence[int], scored: Sequence[npt.NDArray[np.bool_]]) -> Rows:
    """The texts that all of these models scored."""
    return np.flatnonzero(np.all([scored[number] for number in numbers], axis=0))


def _losses(
    logits: Sequence[Floats], weights: Sequence[float] | npt.NDArray[np.float64], targets: Targets, task: Task
) -> Losses:
    """(texts,) losses of the blend, in float64."""
    losses = np.asarray(task.losses(targets, combined(logits, weights)), np.float64)
    return np.asarray(losses.reshape(len(targets), -1).mean(axis=1))


def _weights(logits: Sequence[Floats], targets: Targets, task: Task) -> list[float]:
    """Weights of at least 0 with the lowest mean loss."""
    from scipy.optimize import minimize

    def loss(weights: npt.NDArray[np.float64]) -> float:
        # A prior pulls the sum of the weights towards 1; it matters more with few texts, which overfit.
        prior = _SUM_PRIOR * (float(np.sum(weights)) - 1) ** 2 / len(targets)
        return float(_losses(logits, weights, targets, task).mean()) + prior

    first = np.full(len(logits), 1 / len(logits))
    bounds = [(0, _MAX_WEIGHT)] * len(logits)
    # The step of the finite differences is far above the rounding error of float32.
    result = minimize(loss, first, method="L-BFGS-B", bounds=bounds, options={"eps": 1e-3, "maxiter": 30})
    return [float(weight) if weight > 1e-3 else 0.0 for weight in result.x]
