"""Every model type gives the hidden states and the gradients of the reference implementation, in every form."""

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tenor.config import settings
from tenor.errors import SettingsError
from tenor.models.families import pretrained
from tenor.models.neural import precision
from tenor.models.neural.encoder import attention_weights
from tenor.models.neural.relative_positions import bias_buckets, log_buckets
from tenor.models.onnx import convert, runtimes
from tenor.models.onnx.loading import OnnxGraph
from tenor.models.pretrained import frozen, huggingface, model_types, numpy_encoder, weight_conversion
from tenor.models.pretrained.weight_files import WeightFiles
from tenor.tasks import SingleLabel

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[1] / "golden"
KINDS = [
    "ernie",
    "roformer",
    "mpnet",
    "modernbert",
    "deberta-v2",
    "deberta-v3",
    "eurobert",
    "new",
    "nomic_bert",
    "xlm-roberta-xl",
]
TASK = SingleLabel(("a", "b", "c"))


@functools.cache
def expected(kind: str) -> Any:
    return json.loads((GOLDEN / kind / "expected.json").read_text(encoding="utf-8"))


@functools.cache
def network(kind: str) -> tuple[pretrained.Config, Any]:
    """Settings and Keras model, which pools the last two blocks."""
    config = settings.make(pretrained.Config, {"model": str(GOLDEN / kind), "max_length": 32, "pooled_blocks": 2}, "")
    filled, _ = pretrained.encode(config, [])
    model = pretrained.build(filled, TASK)
    pretrained.initialise(filled, model)
    return filled, model


def ids(kind: str) -> np.ndarray:
    """The ids of the texts, padded on the right; our id of padding is 0."""
    padding = huggingface.read_folder(GOLDEN / kind).padding
    rows = [np.array(text["ids"], np.int32) for text in expected(kind)["texts"]]
    rows = [np.where(row == padding, 0, np.where(row == 0, padding, row)) for row in rows]
    return np.stack([np.pad(row, (0, max(map(len, rows)) + 3 - len(row))) for row in rows])


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_states_and_gradients_are_those_of_the_reference(kind: str, tmp_path: Path) -> None:
    _, model = network(kind)
    body = keras.Model(model.input, model.get_layer("values").output)
    variables = {variable.path: variable for variable in body.trainable_variables}
    with tf.GradientTape() as tape:
        values, total = body(ids(kind)), 0.0
        for row, text in enumerate(expected(kind)["texts"]):
            length = len(text["ids"])
            weights = np.cos(np.arange(length * values.shape[-1], dtype=np.float32)).reshape(length, -1)
            total = total + tf.reduce_sum(values[row, :length] * weights)
            np.testing.assert_allclose(np.asarray(values)[row, :length], text["values"], atol=1e-4)
    gradients = tape.gradient(total, [variable.value for variable in variables.values()])
    folder = huggingface.read_folder(GOLDEN / kind)
    (tmp_path / "model.safetensors").symlink_to(GOLDEN / kind / "gradients.safetensors")
    files = WeightFiles(tmp_path, None)
    of_reference = weight_conversion.convert(folder.architecture, folder.names, folder.padding, files)
    assert variables.keys() == of_reference.keys()
    for path, gradient in zip(variables, gradients, strict=True):
        result, reference = np.asarray(tf.convert_to_tensor(gradient)), of_reference[path]
        if path == "embeddings/token":  # PyTorch gives padding no gradient
            result, reference = result[1:], reference[1:]
        np.testing.assert_allclose(result, reference, atol=1e-3, err_msg=path)


@pytest.mark.parametrize("kind", KINDS)
def test_onnx_numpy_and_keras_agree(kind: str) -> None:
    config, model = network(kind)
    rows = np.vstack([ids(kind), np.zeros_like(ids(kind)[:1])])
    logits = np.asarray(model(rows))
    weights = {variable.path: np.asarray(variable) for variable in model.weights}
    features = numpy_encoder.features(config, weights, [row[: np.count_nonzero(row)] for row in rows])
    np.testing.assert_allclose(features @ weights["logits/kernel"], logits, atol=1e-4)
    graph = frozen._write_graph(config, weights, has_head=False)
    run = runtimes.onnx_runtime(OnnxGraph("test", graph, weights, features.shape[1]))
    np.testing.assert_allclose(run(rows), features, atol=1e-4)
    for int8, tolerance in ((False, 1e-4), (True, 0.2)):
        run = runtimes.onnx_runtime(OnnxGraph("test", convert.convert(model, int8), weights, 3))
        np.testing.assert_allclose(run(rows), logits, atol=tolerance)
        alone = rows[1:2, : np.count_nonzero(rows[1])]
        np.testing.assert_allclose(run(alone), run(rows)[1:2], atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_attention_lora_and_half_precision(kind: str) -> None:
    config, model = network(kind)
    rows = ids(kind)
    weights = [np.asarray(each) for each in attention_weights(model, rows)]
    assert len(weights) == config.architecture["blocks"]  # type: ignore[index]
    for each in weights:
        np.testing.assert_allclose(each.sum(axis=-1), 1, atol=1e-5)
        length = len(expected(kind)["texts"][1]["ids"])
        assert not each[1, :, :length, length:].any()
    lora = replace(config, tune="lora", rank=2)
    with precision.use_dtype_policy("mixed_bfloat16"):
        adapted = pretrained.build(lora, TASK)
    sources = {variable.path: variable for variable in model.weights}
    for variable in adapted.weights:
        if variable.path in sources:
            variable.assign(sources[variable.path])
    trained = {variable.path.rpartition("/")[2] for variable in adapted.trainable_variables}
    assert trained == {"lora_in", "lora_out", "kernel", "bias"}
    assert {variable.path: tuple(variable.shape) for variable in adapted.weights} == dict(pretrained.shapes(lora, 3))
    np.testing.assert_allclose(np.asarray(adapted(rows), np.float32), np.asarray(model(rows)), atol=0.1)


def test_buckets_of_published_sizes_are_those_of_the_reference() -> None:
    distances = np.arange(-511, 512)
    assert log_buckets(distances, 256, 512).tolist() == expected("deberta-v3")["buckets"]
    assert bias_buckets(distances, 32, 128).tolist() == expected("mpnet")["buckets"]


def test_every_layout_is_compared_with_the_reference() -> None:
    """Here, or in `test_pretrained`."""
    folders = [path.parent for path in GOLDEN.glob("*/config.json")]
    compared = [model_types.MODEL_TYPES[huggingface.read_folder(folder).model_type] for folder in folders]
    assert [name for name, model_type in model_types.MODEL_TYPES.items() if model_type not in compared] == []


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        (
            "deberta-v3",
            {"tokens": 128_100, "positions": 512, "width": 1024, "inner": 1024, "blocks": 24, "heads": 16}
            | {"hidden": 4096, "buckets": 256, "max_distance": 512},
        ),
        (
            "eurobert",
            {"tokens": 128_256, "positions": 8192, "width": 2304, "inner": 2304, "blocks": 32, "heads": 18}
            | {"hidden": 6144, "key_heads": 6},
        ),
    ],
)
def test_the_graphs_of_the_largest_encoders_are_within_the_limits(kind: str, sizes: dict[str, int]) -> None:
    architecture = replace(huggingface.read_folder(GOLDEN / kind).architecture, **sizes)
    weights = {path: np.broadcast_to(np.float32(0), shape) for path, shape in architecture.weights()}
    config = replace(network(kind)[0], architecture=architecture.to_dict())
    assert len(frozen._write_graph(config, weights, has_head=False)) < 1_000_000


def read(tmp_path: Path, kind: str, **values: Any) -> Any:
    config = json.loads((GOLDEN / kind / "config.json").read_text(encoding="utf-8")) | values
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "tokenizer.json").write_bytes((GOLDEN / kind / "tokenizer.json").read_bytes())
    return huggingface.read_folder(tmp_path).architecture


@pytest.mark.parametrize(
    ("model_type", "problem"),
    [
        ("deberta", r"type 'deberta', which Tenor does not know\. .*nearest known types are deberta-v2"),
        ("modern_bert", r"nearest known types are modernbert"),
        ("t5", r"Choose an encoder of a known type\. Known types are bert, distilbert, "),
    ],
)
def test_the_nearest_types_of_an_unknown_one_are_named(tmp_path: Path, model_type: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        read(tmp_path, "ernie", model_type=model_type)


@pytest.mark.parametrize(
    ("kind", "values", "problem"),
    [
        ("roformer", {"rotary_value": True}, "rotates the values"),
        ("mpnet", {"relative_attention_num_buckets": 64}, "only 32 buckets"),
        ("modernbert", {"layer_types": ["sliding_attention"] * 4}, "do not follow at regular distances"),
        ("deberta-v3", {"share_att_key": False}, "projections of their own"),
        ("deberta-v3", {"pos_att_type": "c2p"}, "'c2p' and 'p2c' together"),
        ("deberta-v3", {"embedding_size": 4}, "only tables of the width"),
        ("deberta-v2", {"conv_kernel_size": 4}, "only odd numbers"),
        ("eurobert", {"num_key_value_heads": 3}, "do not share the 4 heads"),
        ("eurobert", {"head_dim": 8}, "do not share the width are not known"),
        ("new", {"rope_scaling": {"type": "yarn", "factor": 2}}, "scaled in an unknown way"),
        ("new", {"logn_attention_scale": True}, "scaled by the length"),
        ("nomic_bert", {"num_experts": 8}, "blocks of this kind are not known"),
        ("nomic_bert", {"rotary_emb_fraction": 0.5}, "blocks of this kind are not known"),
    ],
)
def test_what_is_not_computed_is_refused(tmp_path: Path, kind: str, values: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        read(tmp_path, kind, **values)


def test_settings_of_published_folders_are_read(tmp_path: Path) -> None:
    scaled = read(tmp_path, "new", rope_theta=20_000, rope_scaling={"type": "ntk", "factor": 8.0})
    assert (scaled.rotary_base, scaled.rotary_divisor) == (160_000, 8 ** (2 / 4))
    mixed = read(tmp_path, "modernbert", layer_types=None, rope_parameters=None, global_rope_theta=5e4)
    assert (mixed.rotary_base, mixed.local_rotary_base, mixed.full_attention_every) == (5e4, 10_000, 3)
    assert [mixed.block_shape(number).window for number in range(4)] == [None, 3, 3, None]
    linear = read(tmp_path, "deberta-v3", position_buckets=-1)
    assert linear.relative_shape.numbers()[[0, 39, 40, 78]].tolist() == [79, 40, 39, 1]
    assert (
        read(tmp_path, "ernie").to_dict().keys()
        == huggingface.read_folder(GOLDEN / "bert").architecture.to_dict().keys()
    )
