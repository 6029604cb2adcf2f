"""Every optimizer, activation and loss that a network family offers learns with its defaults."""

import dataclasses
import re
import typing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.families import ENGLISH, LABELS, SMALL
from tenor import TextClassifier, TextRegressor
from tenor.config import settings
from tenor.models import registry
from tenor.models.network_config import NetworkConfig

pytestmark = pytest.mark.slow

NETWORKS = [name for name, family in registry.FAMILIES.items() if issubclass(family.config, NetworkConfig)]


def choices(family: str, setting: str) -> list[str]:
    """The words that a setting may have, without its default."""
    hint = typing.get_type_hints(registry.FAMILIES[family].config).get(setting)
    literals = [hint, *typing.get_args(hint)]
    words = [word for each in literals for word in typing.get_args(each) if typing.get_origin(each) is typing.Literal]
    return [word for word in words if word != getattr(registry.FAMILIES[family].config(), setting)]


def small(family: str, **values: Any) -> dict[str, Any]:
    """Small settings. Those have a learning rate for Adam; other optimizers keep their own, which may need more steps.

    What a choice does depends neither on the number of blocks nor on the last epochs.
    """
    own = settings.derived_defaults(registry.FAMILIES[family].config, values)
    quick = {"transformer": {"blocks": 1}, "pretrained": {"epochs": 12}}.get(family, {})
    more_steps = {"epochs": 40} if own and family == "lstm" else {}
    return {**SMALL[family], **quick, **values, **own, **more_steps}


@pytest.mark.parametrize(
    ("family", "optimizer"), [(family, each) for family in NETWORKS for each in choices(family, "optimizer")]
)
def test_every_optimizer_learns(family: str, optimizer: str) -> None:
    model = TextClassifier(family, small(family, optimizer=optimizer), random_state=3).fit(ENGLISH, LABELS)
    assert model.score(ENGLISH, LABELS) == 1.0
    losses = [row["loss"] for row in model.predictor_.bundle.history]  # before the head is fitted again
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize(
    ("family", "activation"), [(family, each) for family in NETWORKS for each in choices(family, "activation")]
)
def test_every_activation_learns(family: str, activation: str) -> None:
    hidden = {"hidden": [8]} if family == "bag" else {}
    model = TextClassifier(family, {**small(family, activation=activation), **hidden}, 3).fit(ENGLISH, LABELS)
    assert model.score(ENGLISH, LABELS) == 1.0


@pytest.mark.parametrize("family", NETWORKS)
def test_classes_are_learned_by_the_squared_error(family: str) -> None:
    model = TextClassifier(family, small(family, loss="mean-squared-error"), 3).fit(ENGLISH, LABELS)
    assert model.score(ENGLISH, LABELS) == 1.0


@pytest.mark.parametrize("family", ["bag", "lstm"])
@pytest.mark.parametrize(
    "values",
    [{"loss": "mean-absolute-error"}, {"loss": "huber"}, {"optimizer": "momentum"}, {"optimizer": "sgd"}],
    ids=lambda values: "-".join(values.values()),
)
def test_numbers_are_learned(family: str, values: dict[str, str]) -> None:
    numbers = np.array([50.0 if label == "positive" else 10.0 for label in LABELS])
    model = TextRegressor(family, small(family, **values), 3).fit(ENGLISH, numbers)
    assert model.score(ENGLISH, numbers) > 0.5


def test_an_optimizer_brings_its_own_defaults() -> None:
    config = registry.FAMILIES["cnn"].config
    adam, momentum = (settings.make(config, {"optimizer": name}, "test") for name in ("adam", "momentum"))
    assert dataclasses.replace(momentum, optimizer="adam") != adam
    assert settings.make(config, {"optimizer": "momentum", "learning_rate": 0.5}, "test").learning_rate == 0.5
    assert settings.make(config, settings.as_dict(momentum), "test") == momentum


@pytest.mark.parametrize("family", NETWORKS)
def test_the_defaults_of_optimizers_are_documented(family: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "families.md").read_text(encoding="utf-8")
    rows = re.findall(rf"^\| `{family}` \| `(\w+)` \| ([\d.]+) \| ([\d.]+) \|$", page, re.MULTILINE)
    given = registry.FAMILIES[family].config.optimizer_defaults
    assert {name: (float(rate), float(embedding)) for name, rate, embedding in rows} == {
        name: (values["learning_rate"], values.get("embedding_rate", 1.0)) for name, values in given.items()
    }
