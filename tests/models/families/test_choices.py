"""Every optimizer, activation and loss that a network family offers learns with its defaults."""

import dataclasses
import itertools
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


def networks(family: str) -> list[dict[str, str]]:
    """Settings with every optimizer, activation and loss, in few networks.

    An optimizer with a learning rate of its own has a network for itself. The others take an activation each; what is
    left goes together.
    """
    config = registry.FAMILIES[family].config
    optimizers = choices(family, "optimizer")
    with_own_rate = [each for each in optimizers if settings.derived_defaults(config, {"optimizer": each})]
    others = [each for each in optimizers if each not in with_own_rate]
    activations = choices(family, "activation")
    losses = [None] * max(len(others), len(activations) - 1) + ["mean-squared-error"]
    named = ("optimizer", "activation", "loss")
    together = [
        {name: value for name, value in zip(named, values, strict=True) if value}
        for values in itertools.zip_longest(others, activations, losses)
    ]
    return [{"optimizer": each} for each in with_own_rate] + together


def test_every_choice_has_a_network() -> None:
    for family in NETWORKS:
        for setting in ("optimizer", "activation"):
            assert {each[setting] for each in networks(family) if setting in each} == {*choices(family, setting)}
        assert [each["loss"] for each in networks(family) if "loss" in each] == ["mean-squared-error"]


@pytest.mark.parametrize(
    ("family", "values"),
    [(family, values) for family in NETWORKS for values in networks(family)],
    ids=lambda value: value if isinstance(value, str) else "-".join(value.values()),
)
def test_every_optimizer_activation_and_loss_learns(family: str, values: dict[str, str]) -> None:
    hidden = {"hidden": [8]} if family == "bag" and "activation" in values else {}
    model = TextClassifier(family, {**small(family, **values), **hidden}, random_state=3).fit(ENGLISH, LABELS)
    assert model.score(ENGLISH, LABELS) == 1.0
    losses = [row["loss"] for row in model.predictor_.bundle.history]  # before the head is fitted again
    assert losses[-1] < 0.8 * losses[0]


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
