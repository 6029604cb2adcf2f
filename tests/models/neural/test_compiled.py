"""Steps that are traced once for batches of every shape."""

from collections.abc import Callable

import keras
import numpy as np
import pytest

from tenor.models.network_config import NetworkConfig
from tenor.models.neural import compiled, optimizers
from tenor.text.batches import Batch

ANY_SHAPE = pytest.mark.skipif(not compiled.any_shape(), reason="JAX compiles each shape for itself")


def network() -> keras.Model:
    ids = keras.Input((None,), dtype="int32")
    values = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(5, 3)(ids))
    return keras.Model(ids, keras.layers.Dense(2)(values))


def twins() -> tuple[keras.Model, keras.Model]:
    """Two networks with the same weights."""
    model = network()
    plain = keras.models.clone_model(model)
    plain.set_weights(model.get_weights())
    return model, plain


def counting_loss() -> tuple[Callable[[object, object], object], list[int]]:
    """A loss, and a list that grows whenever it is traced."""
    traced: list[int] = []

    def loss(desired: object, logits: object) -> object:
        traced.append(1)
        return keras.losses.mean_squared_error(desired, logits)

    return loss, traced


@ANY_SHAPE
def test_a_training_step_is_traced_once_and_is_that_of_keras() -> None:
    model, plain = twins()
    loss, traced = counting_loss()
    random = np.random.default_rng(0)
    optimizer = optimizers.build_optimizer(
        NetworkConfig(optimizer="sgd", learning_rate=0.1, warmup=0.0, clip_norm=None), 10
    )
    model.compile(optimizer, loss, weighted_metrics=["mae"])
    optimizer.build(model.trainable_variables)
    plain.compile(keras.optimizers.SGD(optimizers.WarmupDecay(0.1, 0, 10)), "mse", weighted_metrics=["mae"])
    training = None
    for rows, width in ((4, 2), (3, 7), (1, 1)):
        ids = random.integers(0, 5, (rows, width)).astype(np.int32)
        batch = ids, random.random((rows, 2)).astype(np.float32), random.random(rows).astype(np.float32)
        training = training or compiled.TrainingStep(model, "mae", batch)
        rate = float(plain.optimizer.learning_rate)
        result = training.step(*batch)
        assert result[:2] == pytest.approx(plain.train_on_batch(*batch[:2], sample_weight=batch[2]), rel=1e-5)
        assert result[2] == pytest.approx(rate, rel=1e-5)
    assert len(traced) == 2  # the first creates the metrics, without the network
    for one, other in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


@ANY_SHAPE
def test_a_training_step_traces_the_network_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, calls = network(), []
    optimizer = optimizers.build_optimizer(NetworkConfig(), 10)
    model.compile(optimizer, "mse", weighted_metrics=["mae"])
    optimizer.build(model.trainable_variables)
    batch = np.ones((2, 3), np.int32), np.ones((2, 2), np.float32), np.ones(2, np.float32)
    training = compiled.TrainingStep(model, "mae", batch)
    call = keras.layers.Embedding.call
    monkeypatch.setattr(keras.layers.Embedding, "call", lambda *values: calls.append(1) or call(*values))
    losses = [training.step(*batch).loss for _ in range(3)]
    assert len(calls) == 1
    assert losses[2] < losses[0]


@ANY_SHAPE
def test_a_test_step_is_traced_once_and_is_that_of_keras() -> None:
    model, plain = twins()
    loss, traced = counting_loss()
    random = np.random.default_rng(0)
    model.compile(loss=loss, weighted_metrics=["mae"])
    plain.compile(loss="mse", weighted_metrics=["mae"])
    for rows, width in ((4, 2), (3, 7), (1, 1)):
        ids = random.integers(0, 5, (rows, width)).astype(np.int32)
        batch = ids, random.random((rows, 2)).astype(np.float32), random.random(rows).astype(np.float32)
        compiled.trace_test_step(model, batch)
        results = [each.test_on_batch(*batch[:2], sample_weight=batch[2]) for each in (model, plain)]
        assert results[0] == pytest.approx(results[1], rel=1e-5)
    assert len(traced) == 2  # the first creates the metrics, without the network


@ANY_SHAPE
def test_predictions_are_the_same_for_few_batches_and_many() -> None:
    model = network()
    ids = np.random.default_rng(0).integers(0, 5, (6, 4)).astype(np.int32)
    few, many = compiled.predict_function(model, 1), compiled.predict_function(model, 1_000)
    for rows in (ids, ids[:2, :3]):
        np.testing.assert_allclose(few(rows), many(rows), rtol=1e-6)
        np.testing.assert_allclose(few(rows), model.predict_on_batch(rows), rtol=1e-6)


def test_batches_are_filled_up_to_few_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [Batch(np.arange(rows), width, 50) for rows, width in ((50, 16), (3, 16), (3, 24), (17, 32), (40, 40))]
    monkeypatch.setattr(compiled, "any_shape", lambda: True)
    assert [batch.size for batch in compiled.pad_batch_sizes(made)] == [50, 3, 3, 17, 40]
    monkeypatch.setattr(compiled, "any_shape", lambda: False)
    assert [batch.size for batch in compiled.pad_batch_sizes(made)] == [50, 50, 4, 50, 50]
