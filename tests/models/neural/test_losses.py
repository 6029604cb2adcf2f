import keras
import numpy as np
import pytest
from keras import ops

from tenor.models.neural import losses

BINARY = np.array([[0.0], [1.0], [1.0]], np.float32)
LOGITS = np.array([[0.3], [-1.2], [2.0]], np.float32)
ONE_HOT = np.eye(3, dtype=np.float32)[[0, 2]]
WIDE = np.array([[0.2, -1.0, 0.5], [1.5, 0.1, -0.7]], np.float32)


def found(loss: losses.Loss, targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    return np.asarray(loss(ops.convert_to_tensor(targets), ops.convert_to_tensor(logits)))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("focal", [0.0, 2.0])
def test_binary_cross_entropy_is_the_formula(smoothing: float, focal: float) -> None:
    p, t = sigmoid(LOGITS), BINARY * (1 - smoothing) + smoothing / 2
    expected = -(t * (1 - p) ** focal * np.log(p) + (1 - t) * p**focal * np.log(1 - p))[:, 0]
    np.testing.assert_allclose(
        found(losses.cross_entropy("sigmoid", smoothing, focal), BINARY, LOGITS), expected, rtol=1e-5
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("focal", [0.0, 2.0])
def test_cross_entropy_is_the_formula(smoothing: float, focal: float) -> None:
    p, t = softmax(WIDE), ONE_HOT * (1 - smoothing) + smoothing / 3
    expected = -(t * (1 - p) ** focal * np.log(p)).sum(axis=1)
    np.testing.assert_allclose(
        found(losses.cross_entropy("softmax", smoothing, focal), ONE_HOT, WIDE), expected, rtol=1e-5
    )


def test_squared_error_is_the_formula() -> None:
    expected = ((sigmoid(LOGITS) - BINARY) ** 2)[:, 0]
    np.testing.assert_allclose(found(losses.squared_error("sigmoid"), BINARY, LOGITS), expected, rtol=1e-5)
    expected = ((softmax(WIDE) - ONE_HOT) ** 2).mean(axis=1)
    np.testing.assert_allclose(found(losses.squared_error("softmax"), ONE_HOT, WIDE), expected, rtol=1e-5)
    values = np.array([[2.5], [-1.0]], np.float32)
    np.testing.assert_allclose(found(losses.squared_error("identity"), values * 0, values), [6.25, 1.0])


def test_the_cross_entropy_of_a_set_of_labels_is_the_mean_over_them() -> None:
    targets = np.array([[1, 0, 1], [0, 0, 1]], np.float32)
    p = sigmoid(WIDE)
    expected = -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).mean(axis=1)
    np.testing.assert_allclose(found(losses.cross_entropy("sigmoid"), targets, WIDE), expected, rtol=1e-5)


def test_errors_of_values_are_the_formulas() -> None:
    targets, values = np.zeros((3, 1), np.float32), np.array([[0.5], [-1.0], [3.0]], np.float32)
    np.testing.assert_allclose(found(losses.absolute_error("identity"), targets, values), [0.5, 1.0, 3.0])
    np.testing.assert_allclose(found(losses.huber("identity"), targets, values), [0.125, 0.5, 2.5])


@pytest.mark.parametrize("focal", [0.0, 2.0])
@pytest.mark.parametrize("size", [50.0, 1e4, 1e30])
def test_large_logits_give_finite_losses_and_gradients(focal: float, size: float) -> None:
    import tensorflow as tf

    for targets, logits in (
        (np.array([[0.0], [1.0], [0.0], [1.0]], np.float32), np.array([[1], [-1], [-1], [1]], np.float32)),
        (np.eye(3, dtype=np.float32)[[0, 1]], np.array([[-1, 0, 1], [0, 1, -1]], np.float32)),
    ):
        scaled = tf.constant(logits * size)
        loss = losses.cross_entropy("sigmoid" if logits.shape[1] == 1 else "softmax", 0.0, focal)
        with tf.GradientTape() as tape:
            tape.watch(scaled)
            values = loss(ops.convert_to_tensor(targets), scaled)
        assert np.isfinite(np.asarray(values)).all()
        assert np.isfinite(np.asarray(tape.gradient(values, scaled))).all()
        assert np.asarray(values).max() == pytest.approx(size * (1 if logits.shape[1] == 1 else 2), rel=1e-4)


def test_confident_right_answers_count_less_with_focal() -> None:
    right, wrong = np.array([[3.0]], np.float32), np.array([[-3.0]], np.float32)
    one = np.ones((1, 1), np.float32)
    plain, focal = losses.cross_entropy("sigmoid"), losses.cross_entropy("sigmoid", focal=2.0)
    assert found(focal, one, right)[0] / found(plain, one, right)[0] < 0.01
    assert found(focal, one, wrong)[0] / found(plain, one, wrong)[0] > 0.9


def test_keras_takes_the_loss() -> None:
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", losses.cross_entropy("sigmoid"))
    assert np.isfinite(model.train_on_batch(np.ones((2, 3)), np.ones((2, 1))))
