"""Steps of the optimizers beside those of Keras's own."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest

from tenor.config import settings
from tenor.models import registry
from tenor.models.neural import optimizers
from tenor.models.neural.network import to_numpy

STEPS = 4


KERNEL = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)


def steps(optimizer: Any, gradients: Sequence[Any], begin: Any = KERNEL) -> Any:
    weights = keras.Variable(begin, name="kernel")
    optimizer.build([weights])
    for gradient in gradients:
        optimizer.apply([gradient], [weights])
    return to_numpy(weights)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "momentum", "rmsprop"])
def test_steps_are_those_of_keras(name: str) -> None:
    config = settings.make(registry.find("bag").config, {"optimizer": name, "learning_rate": 0.05}, "settings")
    schedule = optimizers.WarmupDecay(config.learning_rate, round(config.warmup * STEPS), STEPS)
    theirs = {
        "adam": keras.optimizers.Adam(schedule, global_clipnorm=1.0),
        "adamw": keras.optimizers.AdamW(schedule, weight_decay=0.01, global_clipnorm=1.0),
        "sgd": keras.optimizers.SGD(schedule, global_clipnorm=1.0),
        "momentum": keras.optimizers.SGD(schedule, momentum=0.9, global_clipnorm=1.0),
        "rmsprop": keras.optimizers.RMSprop(schedule, global_clipnorm=1.0),
    }[name]
    random = np.random.default_rng(3)
    drawn = [random.normal(0, scale, (2, 3)).astype(np.float32) for scale in (0.01, 5.0, 0.1, 1.0)]
    gradients = [keras.ops.convert_to_tensor(gradient) for gradient in drawn]
    result = steps(optimizers.build_optimizer(config, STEPS), gradients)
    np.testing.assert_allclose(result, steps(theirs, gradients), rtol=1e-5, atol=1e-7)
    assert np.abs(result - KERNEL).max() > 0.01


def test_the_number_of_steps_is_a_variable_that_a_compiled_step_is_given() -> None:
    config = settings.make(registry.find("bag").config, {"warmup": 0.25}, "settings")
    optimizer = optimizers.build_optimizer(config, 8)
    optimizer.build([keras.Variable(KERNEL, name="kernel")])
    optimizer.set_total_steps(1, 4)
    assert {"warmup": 1.0, "steps": 4.0}.items() <= {
        variable.name: float(variable) for variable in optimizer.variables if variable.shape == ()
    }.items()


def test_only_the_vectors_of_tokens_have_the_embedding_rate() -> None:
    values = {"optimizer": "sgd", "learning_rate": 0.05, "embedding_rate": 30.0, "warmup": 0.0}
    config = settings.make(registry.find("transformer").config, values, "settings")
    tables = [keras.Variable(np.zeros((2, 2), np.float32), name=name) for name in ("token", "position", "kernel")]
    optimizer = optimizers.build_optimizer(config, STEPS)
    optimizer.build(tables)
    optimizer.apply([keras.ops.convert_to_tensor(np.full((2, 2), 0.1, np.float32))] * 3, tables)
    for table, rate in zip(tables, (30.0, 1.0, 1.0), strict=True):
        np.testing.assert_allclose(to_numpy(table), np.full((2, 2), -0.1 * 0.05 * rate), rtol=1e-5)


ROWS = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow has gradients of some rows")


@ROWS
@pytest.mark.parametrize("name", ["sgd", "momentum", "rmsprop"])
def test_other_optimizers_update_all_rows(name: str) -> None:
    import tensorflow as tf

    config = settings.make(registry.find("bag").config, {"optimizer": name, "learning_rate": 0.05}, "settings")
    some = [tf.IndexedSlices(tf.constant([[3.0, 1, 2]]), tf.constant([row]), tf.constant([2, 3])) for row in (0, 1)]
    whole = [tf.convert_to_tensor(gradient) for gradient in some]
    result, expected = (steps(optimizers.build_optimizer(config, STEPS), gradients) for gradients in (some, whole))
    np.testing.assert_allclose(result, expected, rtol=1e-6)


@pytest.mark.parametrize("some_rows", [pytest.param(True, marks=ROWS), False])
@pytest.mark.parametrize("name", ["sgd", "momentum"])
def test_vectors_of_rare_tokens_have_larger_learning_rates(name: str, some_rows: bool) -> None:
    values = {"optimizer": name, "learning_rate": 0.05, "embedding_rate": 2.0, "frequency_power": 0.5, "warmup": 0.0}
    config = settings.make(registry.find("bag").config, values, "settings")
    frequencies = np.array([4.0, 1.0, 0.25], np.float32) * 1024  # 5,376 tokens in a batch
    table = keras.Variable(np.zeros((4, 2), np.float32), name="embeddings")
    optimizer = optimizers.build_optimizer(config, STEPS, token_frequencies=frequencies)
    optimizer.build([table])
    gradient = keras.ops.convert_to_tensor(np.full((4, 2), 0.1, np.float32))
    if some_rows:
        import tensorflow as tf

        gradient = tf.IndexedSlices(gradient, tf.range(4), tf.constant([4, 2]))
    optimizer.apply([gradient], [table])
    thousands = (4.0 + 1.0 + 0.25) / 32  # 32 is the square root of 1,024
    rates = np.array([0.5 * thousands, thousands, 2.0 * thousands, 1.0])  # the last token is not known
    expected = -0.1 * 0.05 * 2.0 * rates
    np.testing.assert_allclose(to_numpy(table), np.repeat(expected[:, None], 2, axis=1), rtol=1e-5)


@ROWS
def test_rows_of_a_table_that_do_not_occur_stay_as_they_are() -> None:
    import tensorflow as tf

    table = np.linspace(-1, 1, 10, dtype=np.float32).reshape(5, 2)
    config = settings.make(registry.find("bag").config, {"optimizer": "adam", "learning_rate": 0.05}, "settings")
    assert config.clip_norm is not None  # clipping is what would make the gradient that of the whole table
    values = np.array([[3, 1], [-2, 4], [1, 0]], np.float32)

    def learned(*gradients: Any) -> Any:
        optimizer = optimizers.build_optimizer(config, STEPS)
        return steps(optimizer, gradients, table), to_numpy(optimizer.norm_and_rate)[0]

    some = tf.IndexedSlices(values, tf.constant([3, 1, 3]), tf.constant([5, 2]))
    all_of_it = tf.constant([[0, 0], [-2, 4], [0, 0], [4, 1], [0, 0]], tf.float32)
    np.testing.assert_allclose(learned(some)[0], learned(all_of_it)[0], rtol=1e-5)
    assert learned(some)[1] == pytest.approx(np.sqrt(37))
    other = tf.IndexedSlices(values[:1], tf.constant([0]), tf.constant([5, 2]))
    np.testing.assert_array_equal(learned(some, other)[0][1:], learned(some)[0][1:])
    assert not np.array_equal(learned(some, other)[0][0], table[0])
