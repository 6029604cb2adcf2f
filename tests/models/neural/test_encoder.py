import math

import keras
import numpy as np
import pytest
from keras import ops

from tenor.models import registry
from tenor.models.neural.block_shape import BlockShape, EmbeddingShape
from tenor.models.neural.embeddings import AttentionMask, Embeddings
from tenor.models.neural.encoder import Block, ConvolutionResidual, attention_weights
from tenor.models.neural.tensor_ops import gelu, layer_norm
from tenor.tasks import SingleLabel

IDS = np.array([[4, 2, 3, 9, 1], [7, 2, 0, 0, 0]], np.int32)
VALUES = np.random.default_rng(0).normal(size=(2, 5, 8)).astype(np.float32)


def softmax(scores: np.ndarray) -> np.ndarray:
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return scores / scores.sum(axis=-1, keepdims=True)


def normalised(values: np.ndarray, epsilon: float) -> np.ndarray:
    return (values - values.mean(-1, keepdims=True)) / np.sqrt(values.var(-1, keepdims=True) + epsilon)


def test_positions_start_as_sines_and_cosines_as_large_as_tokens() -> None:
    embeddings = Embeddings(EmbeddingShape(100, 30, 10, 10, epsilon=None), sinusoidal=True)
    embeddings.build((None, None))
    result = np.asarray(embeddings.position)
    angles = [[position / 10_000 ** (2 * wave / 10) for wave in range(5)] for position in range(30)]
    expected = [[math.sin(angle) for angle in row] + [math.cos(angle) for angle in row] for row in angles]
    np.testing.assert_allclose(result / np.abs(result).max(), expected, atol=1e-5)
    assert result.std() == pytest.approx(np.asarray(embeddings.token).std(), rel=0.3)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu", "tanh", "sigmoid"])
def test_a_block_is_the_formula_with_padding_masked(norm_first: bool, activation: str) -> None:
    keras.utils.set_random_seed(1)
    block = Block(BlockShape(2, 12, activation, norm_first, epsilon=1e-6))
    result = np.asarray(block(VALUES, AttentionMask()(IDS)))
    weights = {weight.name: np.asarray(weight).astype(np.float64) for weight in block.weights}
    act = {
        "relu": lambda x: np.maximum(x, 0),
        "gelu": lambda x: x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2,
        "tanh": np.tanh,
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    }[activation]

    def attend(values: np.ndarray) -> np.ndarray:
        query, key, value = np.split(values @ weights["query_key_value"], 3, axis=-1)
        mixed = []
        for head in (slice(0, 4), slice(4, 8)):
            scores = query[:, head] @ key[:, head].T / math.sqrt(4)
            mixed.append(softmax(scores) @ value[:, head])
        return np.concatenate(mixed, axis=-1) @ weights["attended"]

    def feed(values: np.ndarray) -> np.ndarray:
        return act(values @ weights["up"]) @ weights["down"]

    for row, length in enumerate([5, 2]):
        values = VALUES[row, :length].astype(np.float64)  # padding is left out rather than masked
        if norm_first:
            values = values + attend(normalised(values, 1e-6))
            values = values + feed(normalised(values, 1e-6))
        else:
            values = normalised(values + attend(values), 1e-6)
            values = normalised(values + feed(values), 1e-6)
        np.testing.assert_allclose(result[row, :length], values, atol=1e-5)


def test_attention_weights_are_read_out_for_each_block_head_and_pair_of_tokens() -> None:
    keras.utils.set_random_seed(2)
    family = registry.FAMILIES["transformer"]
    model = family.build(family.config(vocabulary=12, width=8, heads=2, blocks=3), SingleLabel(("a", "b")))
    result = attention_weights(model, IDS)
    assert [tuple(weights.shape) for weights in result] == [(2, 2, 5, 5)] * 3
    for weights in map(np.asarray, result):
        np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
        assert not weights[1, :, :, 2:].any()


def test_lora_starts_as_no_change_and_then_adds_a_product() -> None:
    mask = AttentionMask()(IDS)
    plain, adapted = Block(BlockShape(2, 12)), Block(BlockShape(2, 12), lora_rank=3)
    plain(VALUES, mask), adapted(VALUES, mask)
    shared = {weight.name: weight for weight in adapted.weights}
    for weight in plain.weights:
        shared[weight.name].assign(weight)
    np.testing.assert_array_equal(np.asarray(adapted(VALUES, mask)), np.asarray(plain(VALUES, mask)))
    shared["lora_out"].assign(np.random.default_rng(1).normal(size=(3, 24)))
    change = np.asarray(shared["lora_in"]) @ np.asarray(shared["lora_out"])
    kernel = next(weight for weight in plain.weights if weight.name == "query_key_value")
    kernel.assign(np.asarray(kernel) + change)
    np.testing.assert_allclose(np.asarray(adapted(VALUES, mask)), np.asarray(plain(VALUES, mask)), atol=1e-5)


@pytest.mark.parametrize("activation", ["gelu", "gelu_tanh", "tanh"])
def test_a_convolution_sees_the_neighbours_and_no_padding(activation: str) -> None:
    layer = ConvolutionResidual(3, activation, 1e-7)
    embedded = np.random.default_rng(1).normal(size=VALUES.shape).astype(np.float32)
    result = np.asarray(layer(*map(ops.convert_to_tensor, (VALUES, embedded, IDS))))
    inside = np.where((IDS > 0)[:, :, None], embedded, 0)
    padded = np.pad(inside, [(0, 0), (1, 1), (0, 0)])
    kernel = layer.kernel.numpy()
    convolved = sum(padded[:, at : at + VALUES.shape[1]] @ kernel[at] for at in range(3))
    activated = {
        "gelu": lambda values: ops.gelu(values, approximate=False),
        "gelu_tanh": lambda values: ops.gelu(values, approximate=True),
        "tanh": ops.tanh,
    }[activation](ops.convert_to_tensor(convolved))
    np.testing.assert_allclose(result, normalised(VALUES + np.asarray(activated), 1e-7), atol=1e-4)


def test_gelu_and_normalisation_have_the_gradients_that_keras_derives() -> None:
    values = ops.convert_to_tensor(VALUES)
    scale, shift = ops.linspace(0.5, 2.0, 8), ops.linspace(-1.0, 1.0, 8)

    def plain_norm(values: object, scale: object, shift: object) -> object:
        mean, variance = ops.moments(values, axes=-1, keepdims=True)
        return (values - mean) * ops.rsqrt(variance + 1e-3) * scale + shift

    import tensorflow as tf

    for ours, plain, arguments in (
        (gelu, lambda x: keras.activations.gelu(x, approximate=False), (values,)),
        (lambda *a: layer_norm(*a, 1e-3), plain_norm, (values, scale, shift)),
    ):
        result = []
        for function in (ours, plain):
            with tf.GradientTape() as tape:
                tape.watch(arguments)
                total = ops.sum(ops.sin(function(*arguments)))
            result.append(tape.gradient(total, arguments))
        for one, other in zip(*result, strict=True):
            np.testing.assert_allclose(np.asarray(one), np.asarray(other), atol=2e-6)
