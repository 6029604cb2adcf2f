"""Several models as one: a weighted sum of their logits, which is a product of their probabilities (Hinton, 2002).

The weights are those with the lowest loss on texts that none of the models has learned from. What holds for each model
holds for their sum: exact explanations add up, and a text gets the same logits alone and among others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenor._core.records import Record, RecordError
from tenor.config import settings
from tenor.models.attribution import Attribution
from tenor.models.base import Arrays, Model
from tenor.models.family import EnsembleFamily, Family, SavedModel
from tenor.tasks import Floats, Targets, Task

_LARGEST_WEIGHT = 20.0
_MOST_MEMBERS = 100
_SUM_PRIOR = 2.0  # what a sum of the weights of 2 in place of 1 adds to the loss of all texts together, in nats

_FILE = "encoder.json"


@dataclass(frozen=True)
class Member:
    """A model of a blend.

    Attributes:
        family: Its family.
        config: Its settings.
        model: The model.
        weight: What its logits are multiplied with, above 0.
    """

    family: Family
    config: Any
    model: Model
    weight: float


@dataclass(frozen=True)
class Blend:
    """Models whose logits are summed.

    Attributes:
        members: The models, the one that is best alone first.
    """

    members: tuple[Member, ...]

    def logits(self, texts: Sequence[str]) -> Floats:
        """Logits of shape (texts, outputs)."""
        return combined([member.model.logits(texts) for member in self.members], self.weights)

    @property
    def weights(self) -> list[float]:
        return [member.weight for member in self.members]

    def attribute(self, texts: Sequence[str], directions: Floats) -> list[Attribution]:
        """What the characters of each text add to a weighted sum of its logits: the sum of what they add in each model.

        A character is read where one of the models reads it.
        """
        each = [member.model.attribute(texts, directions * np.float32(member.weight)) for member in self.members]
        return [
            Attribution(
                np.sum([found.characters for found in of_text], axis=0),
                np.any([found.was_read for found in of_text], axis=0),
                sum(found.base_value for found in of_text),
                sum(found.convergence_delta for found in of_text),
            )
            for of_text in zip(*each, strict=True)
        ]

    def represent(self, texts: Sequence[str]) -> Any:
        """What the model that is best alone gives."""
        return self.members[0].model.represent(texts)

    def arrays(self) -> Arrays:
        return {
            f"{number}/{name}": array
            for number, member in enumerate(self.members)
            for name, array in member.model.arrays().items()
        }

    def encoder(self) -> dict[str, Any]:
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
        return {
            f"{number}.{name}": graph
            for number, member in enumerate(self.members)
            for name, graph in member.model.graphs().items()
        }


def restore(saved: SavedModel) -> Blend:
    """The model that `Blend.encoder`, `Blend.arrays` and `Blend.graphs` describe. Raises ValueError where they
    disagree.
    """
    record = Record(saved.encoder, _FILE)
    record.choice("kind", ("blend",))
    described = record.records("members", _MOST_MEMBERS)
    if not described:
        raise record.error("members", "there is none")
    own: list[dict[str, Any]] = [{} for _ in described]
    files: list[dict[str, bytes]] = [{} for _ in described]
    places = {str(number): number for number in range(len(described))}
    named: tuple[tuple[str, Mapping[str, Any], Any], ...] = (("/", saved.arrays, own), (".", saved.graphs, files))
    for separator, each, parts in named:
        for name, value in each.items():
            prefix, _, rest = name.partition(separator)
            if prefix not in places:
                raise ValueError(f"{name[:100]!r} is of no model of the blend")
            parts[places[prefix]][rest] = value
    members = []
    for number, told in enumerate(described):
        weight = told.number("weight", 0, _LARGEST_WEIGHT)
        if not weight:
            raise told.error("weight", "it is 0")
        family = saved.find_family(told.string("family"))
        if isinstance(family, EnsembleFamily):
            raise ValueError("a blend is part of a blend")
        try:
            config = settings.restore(family.config, told.record("settings").values, _FILE)
            encoder = told.record("encoder").values
            member = SavedModel(config, encoder, own[number], saved.task, files[number], saved.find_family)
            model = family.restore(member)
        except RecordError as error:
            raise error.within(f"members[{number}].encoder") if error.file == _FILE else error from None
        members.append(Member(family, config, model, weight))
    return Blend(tuple(members))


def combined(logits: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """The weighted sum, (texts, outputs), float32."""
    total = np.zeros(logits[0].shape, np.float64)
    for each, weight in zip(logits, weights, strict=True):
        total += weight * each.astype(np.float64)
    return total.astype(np.float32)


def choose(
    logits: Sequence[Floats], targets: Targets, task: Task, allowed: Callable[[Sequence[int]], bool] = lambda _: True
) -> dict[int, float]:
    """Which models to blend, and the weight of each: the best one first, then whatever makes it clearly better.

    A model joins where the loss of a text falls by more than the standard error of that fall.

    Args:
        logits: For each model (texts, outputs), what it says of texts that it has not learned from.
        targets: What `task.encode` makes of their labels.
        task: What is predicted.
        allowed: Whether these models may be blended, by their numbers.

    Returns:
        The weight of each model chosen, by its number; empty where none is allowed.
    """

    def tried(numbers: Sequence[int]) -> tuple[list[float], Floats]:
        some = [logits[number] for number in numbers]
        weights = _weights(some, targets, task)
        return weights, _losses(some, weights, targets, task)

    left = list(range(len(logits)))
    chosen: list[int] = []
    weights: list[float] = []
    losses: Any = None
    while left:
        found = {number: tried([*chosen, number]) for number in left if allowed([*chosen, number])}
        if not found:
            break
        best = min(found, key=lambda number: float(found[number][1].mean()))
        if losses is not None:
            gain = losses - found[best][1]
            if not gain.mean() > gain.std() / np.sqrt(len(gain)):
                break
        chosen.append(best)
        left.remove(best)
        weights, losses = found[best]
    kept = {number: weight for number, weight in zip(chosen, weights, strict=True) if weight > 0}
    # Of one model the logits stay what they are: what scales them is calibration's.
    return kept if len(kept) > 1 else dict.fromkeys(chosen[:1], 1.0)


def _losses(logits: Sequence[Floats], weights: Sequence[float], targets: Targets, task: Task) -> Any:
    return (
        np.asarray(task.losses(targets, combined(logits, weights)), np.float64).reshape(len(targets), -1).mean(axis=1)
    )


def _weights(logits: Sequence[Floats], targets: Targets, task: Task) -> list[float]:
    """Weights of at least 0 with the lowest mean loss."""
    from scipy.optimize import minimize

    def loss(weights: Any) -> float:
        # Drawn towards a sum of 1, the more the fewer texts there are: few look clearer than they are.
        prior = _SUM_PRIOR * (float(np.sum(weights)) - 1) ** 2 / len(targets)
        return float(_losses(logits, weights, targets, task).mean()) + prior

    first = np.full(len(logits), 1 / len(logits))
    bounds = [(0, _LARGEST_WEIGHT)] * len(logits)
    # The step of the differences is far above the rounding of float32.
    found = minimize(loss, first, method="L-BFGS-B", bounds=bounds, options={"eps": 1e-3, "maxiter": 30})
    return [float(weight) if weight > 1e-3 else 0.0 for weight in found.x]
