"""A run that takes over the compiled network of an earlier run has the result of a run that compiles its own."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from helpers import runs
from helpers.families import ENGLISH, LABELS, SMALL
from tenor import TextClassifier, TextRegressor
from tenor.models.neural import optimizers
from tenor.models.neural.network import to_numpy
from tenor.training import compiled_networks

NETWORKS = [name for name in SMALL if name not in ("ngram", "auto")]
ROWS = [{"text": text, "stars": index % 5} for index, text in enumerate(ENGLISH)]


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    compiled_networks.clear()
    yield
    compiled_networks.clear()


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the variables whose update was traced, in order."""
    names: list[str] = []
    update_step = optimizers._Layerwise.update_step

    def counted(optimizer: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        names.append(variable.name)
        update_step(optimizer, gradient, variable, learning_rate)

    monkeypatch.setattr(optimizers._Layerwise, "update_step", counted)
    return names


def fit(family: str, seed: int, **changes: Any) -> dict[str, np.ndarray]:
    values = SMALL[family] | {"epochs": 2} | changes
    return weights(TextClassifier(family, values, random_state=seed).fit(ENGLISH, LABELS))


def weights(model: Any) -> dict[str, np.ndarray]:
    return dict(model.predictor_.bundle.model.arrays())


@pytest.mark.parametrize("family", NETWORKS)
def test_the_result_is_that_of_a_new_network(family: str, traced: list[str]) -> None:
    expected = fit(family, 2)
    compiled_networks.clear()
    assert not runs.same(fit(family, 1), expected)
    traced.clear()
    assert runs.same(fit(family, 2), expected)
    assert not traced


def test_every_run_has_its_own_steps_and_epochs(traced: list[str]) -> None:
    expected = fit("bag", 2, epochs=3, batch_tokens=64, warmup=0.5, patience=1)
    compiled_networks.clear()
    fit("bag", 1, epochs=4)
    traced.clear()
    assert runs.same(fit("bag", 2, epochs=3, batch_tokens=64, warmup=0.5, patience=1), expected)
    assert not traced


def test_another_setting_needs_another_network(traced: list[str]) -> None:
    changes: list[dict[str, Any]] = [{}, {"learning_rate": 0.01}, {"dropout": 0.5}, {"embedding": 9}, {"focal": 2.0}]
    for change in changes:
        traced.clear()
        fit("bag", 2, **change)
        assert traced
    traced.clear()
    fit("bag", 1)
    assert not traced


def test_numbers_of_another_spread_need_another_network(traced: list[str]) -> None:
    values = SMALL["bag"] | {"epochs": 2}
    numbers = np.array([3.0 if label == "positive" else 1.0 for label in LABELS])
    for factor, is_new in ((1, True), (1, False), (10, True)):
        traced.clear()
        TextRegressor("bag", values, random_state=1).fit(ENGLISH, numbers * factor)
        assert bool(traced) == is_new


def test_features_beside_the_text_are_reset_too(traced: list[str]) -> None:
    def result(seed: int) -> dict[str, np.ndarray]:
        values = SMALL["bag"] | {"epochs": 2}
        model = TextClassifier("bag", values, text=["text"], features=["stars"], random_state=seed)
        return weights(model.fit(ROWS, LABELS))

    expected = result(2)
    compiled_networks.clear()
    result(1)
    traced.clear()
    assert runs.same(result(2), expected)
    assert not traced


@pytest.mark.parametrize("accumulation", [1, 2])
@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "momentum", "rmsprop"])
def test_a_restarted_optimizer_is_a_new_one(name: str, accumulation: int) -> None:
    import keras

    config = runs.config_of("bag", optimizer=name, gradient_accumulation=accumulation, frequency_power=0.5)

    def built(n_steps: int, frequencies: np.ndarray) -> Any:
        table = keras.Variable(np.ones((4, 2), np.float32), name="embeddings")
        optimizer = optimizers.build_optimizer(config, n_steps, token_frequencies=frequencies)
        optimizer.build([table])
        return optimizer, table

    frequencies = np.array([4.0, 1.0, 0.25], np.float32)
    optimizer, table = built(40, frequencies[::-1])
    for _ in range(3):
        optimizer.apply([keras.ops.ones((4, 2))], [table])
    new, _ = built(20, frequencies)
    optimizer.restart(config, 20, frequencies)
    for restarted, expected in zip(optimizer.variables, new.variables, strict=True):
        np.testing.assert_array_equal(to_numpy(restarted), to_numpy(expected), err_msg=expected.path)


def test_an_interrupted_run_leaves_nothing(tmp_path: Any) -> None:
    with pytest.raises(runs.Killed):
        runs.fit(None, kill_at=3)
    assert not compiled_networks._kept


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    fit("bag", 1)
    [kept] = compiled_networks._kept
    n_weights = 200 * 8 + 8 + 1
    assert 3 * 4 * n_weights <= kept.n_bytes < 3 * 4 * n_weights + 1_000  # Adam has two more numbers for each weight
    monkeypatch.setattr(compiled_networks, "_MOST_BYTES", kept.n_bytes + 100)
    fit("bag", 1, dropout=0.5)
    assert [each.structure.config.dropout for each in compiled_networks._kept] == [0.5]
    monkeypatch.setattr(compiled_networks, "_MOST_BYTES", kept.n_bytes - 1)
    fit("bag", 1, dropout=0.4)
    assert [each.structure.config.dropout for each in compiled_networks._kept] == [0.5]
