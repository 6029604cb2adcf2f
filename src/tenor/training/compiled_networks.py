"""Compiled networks, kept in memory for the next run that trains an equal one.

Compiling the training step of a small network takes longer than its training. The folds of a cross-validation, the
members of `auto` and the trials of a search train networks that differ only in their weights. Such a run takes over a
compiled network of an earlier run. It gives all variables the values of its own new network, so the result is the same
as without.
"""

import math
import threading
from dataclasses import dataclass, replace
from typing import Any

import keras

from tenor.models.family import NetworkFamily
from tenor.models.network_config import NetworkConfig
from tenor.models.neural import compiled, precision
from tenor.training.joint_model import JointModel

_MOST_BYTES = 64 << 20  # of all networks in memory, with the variables of their optimizers; larger ones train longer
_MOST_NETWORKS = 16


@dataclass(frozen=True)
class _Structure:
    """All that a compiled network depends on. Equal structures differ only in the values of variables."""

    family: NetworkFamily
    config: NetworkConfig
    task: object
    n_features: int
    policy: str

    @classmethod
    def of(cls, joint: JointModel) -> "_Structure":
        task, config = joint.network.task, joint.network.config
        defaults: dict[str, Any] = {name: getattr(type(config), name) for name in config.not_compiled}
        return cls(
            family=joint.network.family,
            config=replace(config, **defaults),
            task=(task.kind, task.n_outputs) if task.has_labels else task,
            n_features=joint.n_features,
            policy=precision.dtype_policy(config),
        )


@dataclass(frozen=True)
class _Kept:
    structure: _Structure
    network: keras.Model
    joint: keras.Model
    n_bytes: int


_kept: list[_Kept] = []  # the last one used at the end
_lock = threading.Lock()


def take_equal(joint: JointModel) -> JointModel:
    """Take a compiled network that is equal to this one, with this one's values; this one itself, if there is none."""
    structure = _Structure.of(joint)
    with _lock:
        match = next((each for each in reversed(_kept) if each.structure == structure), None)
        if match is None or keras.distribution.distribution() is not None:
            return joint
        _kept.remove(match)
    for variable, value in zip(match.joint.variables, joint.keras_model.variables, strict=True):
        variable.assign(value)
    return replace(joint, network=replace(joint.network, keras_model=match.network), keras_model=match.joint)


def can_keep(joint: JointModel) -> bool:
    """Whether a trained network is small enough to be kept, and belongs to this process alone."""
    return keras.distribution.distribution() is None and _n_bytes(joint) <= _MOST_BYTES


def keep(joint: JointModel) -> None:
    """Keep a trained network whose weights nobody needs any more. Those that were not used for longest give way."""
    compiled.reset_predict_function(joint.network.keras_model)
    with _lock:
        _kept.append(
            _Kept(
                structure=_Structure.of(joint),
                network=joint.network.keras_model,
                joint=joint.keras_model,
                n_bytes=_n_bytes(joint),
            )
        )
        while sum(each.n_bytes for each in _kept) > _MOST_BYTES or len(_kept) > _MOST_NETWORKS:
            del _kept[0]


def clear() -> None:
    """Free the memory of all kept networks."""
    with _lock:
        _kept.clear()


def _n_bytes(joint: JointModel) -> int:
    variables = (*joint.keras_model.variables, *joint.keras_model.optimizer.variables)
    return sum(4 * math.prod(variable.shape) for variable in variables)
