import keras
import numpy as np
import pytest
import tensorflow as tf

from tenor.models import registry
from tenor.models.family import NetworkFamily
from tenor.models.neural.layers import ChronoBias, Pool, ReverseSequence, ZeroPadding
from tenor.tasks import SingleLabel

pytestmark = pytest.mark.slow

VALUES = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)
IDS = np.array([[4, 2, 3, 9, 1], [7, 2, 0, 0, 0], [0, 0, 0, 0, 0]], np.int32)
LENGTHS = [5, 2, 1]  # a text without tokens counts as its first position


@pytest.mark.parametrize("how", ["last", "mean", "max"])
def test_pooling_is_that_of_the_tokens_alone(how: str) -> None:
    expected = {
        "last": [VALUES[row, length - 1] for row, length in enumerate(LENGTHS)],
        "mean": [VALUES[row, :length].mean(axis=0) for row, length in enumerate(LENGTHS)],
        "max": [VALUES[row, :length].max(axis=0) for row, length in enumerate(LENGTHS)],
    }[how]
    np.testing.assert_allclose(np.asarray(Pool(how)(VALUES, IDS)), expected, atol=1e-6)


def test_values_at_padding_become_zero() -> None:
    np.testing.assert_array_equal(np.asarray(ZeroPadding()(VALUES, IDS)), VALUES * (IDS != 0)[:, :, None])


def test_texts_are_turned_around_within_their_length() -> None:
    turned = np.asarray(ReverseSequence()(VALUES, IDS))
    for row, length in enumerate([5, 2, 0]):
        np.testing.assert_array_equal(turned[row, :length], VALUES[row, :length][::-1])


def test_chrono_biases_remember_one_to_the_longest_number_of_steps() -> None:
    keras.utils.set_random_seed(1)
    biases = np.asarray(ChronoBias(100)((4 * 500,)))
    steps_in, steps_kept, candidate, out = np.split(biases, 4)
    np.testing.assert_allclose(steps_in, -steps_kept)
    assert not candidate.any() and not out.any()
    assert np.exp(steps_kept).min() >= 1 and np.exp(steps_kept).max() <= 99
    assert np.exp(steps_kept).mean() == pytest.approx(50, abs=5)


NETWORKS = {
    "bag": {"vocabulary": 12, "embedding": 3, "hidden": (2,), "activation": "tanh"},
    "cnn": {"vocabulary": 12, "embedding": 3, "filters": 2, "widths": (2, 3), "activation": "gelu"},
    "lstm": {"vocabulary": 12, "embedding": 3, "units": 3, "pooling": "mean", "bidirectional": True},
    "pretrained": {
        "architecture": {
            "tokens": 12,
            "positions": 8,
            "width": 4,
            "inner": 3,
            "blocks": 2,
            "shared": False,
            "heads": 2,
            "hidden": 5,
            "activation": "gelu",
            "epsilon": 1e-2,
        }
    },
    "transformer": {"vocabulary": 12, "width": 4, "heads": 2, "feed_forward": 5, "blocks": 2},
}


def test_every_network_has_its_gradient_checked() -> None:
    assert set(NETWORKS) == {name for name, family in registry.FAMILIES.items() if isinstance(family, NetworkFamily)}


@pytest.mark.parametrize("family", list(NETWORKS))
@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "c")])
def test_gradients_are_those_of_finite_differences(family: str, labels: tuple[str, ...]) -> None:
    task = SingleLabel(labels)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        keras.utils.set_random_seed(2)
        model = registry.FAMILIES[family].build(registry.FAMILIES[family].config(dropout=0.0, **NETWORKS[family]), task)
    finally:
        keras.config.set_dtype_policy(policy)
    targets = np.eye(len(labels))[[0, 1, 1]] if task.n_outputs > 1 else np.array([[0.0], [1.0], [1.0]])
    losses = keras.losses.CategoricalCrossentropy if task.n_outputs > 1 else keras.losses.BinaryCrossentropy
    loss = losses(from_logits=True, dtype="float64")

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def value() -> tf.Tensor:
        return loss(targets, model(IDS))

    with tf.GradientTape() as tape:
        total = value()
    gradients = tape.gradient(total, [variable.value for variable in model.trainable_variables])
    random = np.random.default_rng(3)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        start = np.asarray(variable).copy()
        direction = random.normal(size=start.shape)
        step = 1e-5
        sides = []
        for sign in (1, -1):
            variable.assign(start + sign * step * direction)
            sides.append(float(value()))
        variable.assign(start)
        measured = (sides[0] - sides[1]) / (2 * step)
        computed = float((np.asarray(tf.convert_to_tensor(gradient)) * direction).sum())
        assert computed == pytest.approx(measured, rel=1e-4, abs=1e-8), variable.path
