"""Settings for encoders that are large for the machine: accumulation, checkpointing, frozen layers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import runs
from tenor import TextClassifier
from tenor.config import settings
from tenor.errors import SettingsError
from tenor.models import registry
from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.models.families import pretrained
from tenor.models.pretrained import huggingface
from tenor.training import network_training, neural

GOLDEN = Path(__file__).parents[1] / "golden"
TEXTS = [f"{'good film' if index % 2 else 'bad plot'} {'the ' * (index % 7)}" for index in range(30)]
EXAMPLES = Examples(TEXTS, runs.TARGETS[:30], runs.TASK, np.linspace(0.5, 1.5, 30, dtype=np.float32))


def fit(kind: str, **values: Any) -> Any:
    basic = {"tune": "all", "dropout": 0.0, "precision": "float32", "batch_tokens": 96, "epochs": 2, "max_length": 16}
    basic |= {"learning_rate": 0.01, "allow_unknown_letters": True, "model": str(GOLDEN / kind)}
    config = settings.make(pretrained.Config, basic | values, "test")
    return neural.fit(registry.FAMILIES["pretrained"], EXAMPLES, config, FitContext(seed=3))


def assert_equal_runs(one: Any, other: Any) -> None:
    assert len(one.steps) == len(other.steps) >= 4
    for expected, step in zip(one.steps, other.steps, strict=True):
        assert step == pytest.approx(expected, rel=2e-3, abs=1e-5)
    expected, arrays = one.model.arrays(), other.model.arrays()
    start = huggingface.read_weights(huggingface.read_folder(Path(one.config.model)))
    assert all(np.abs(expected[name] - arrays[name]).max() < 5e-4 for name in expected)
    moved = [np.abs(expected[name] - value).max() for name, value in start.items()]
    assert max(moved) > 1e-2


@pytest.mark.parametrize("values", [{}, {"tune": "lora"}, {"optimizer": "sgd", "learning_rate": 0.3}], ids=str)
def test_a_batch_in_parts_has_the_gradient_of_the_batch(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neural, "_SMALLEST_BATCH", 96)
    if values.get("tune") == "lora":
        whole, parts = fit("bert", **values), fit("bert", gradient_accumulation=4, **values)
        for expected, step in zip(whole.steps, parts.steps, strict=True):
            assert step == pytest.approx(expected, rel=2e-3, abs=1e-5)
        return
    assert_equal_runs(fit("bert", **values), fit("bert", gradient_accumulation=4, **values))


@pytest.mark.parametrize("kind", ["bert", "albert", "deberta-v3"])
def test_recomputed_activations_give_the_same_training(kind: str) -> None:
    assert_equal_runs(fit(kind, epochs=4), fit(kind, epochs=4, gradient_checkpointing=True))


@pytest.mark.parametrize(("values", "recomputed"), [({}, 2), ({"freeze_layers": 1}, 1), ({"tune": "lora"}, 2)])
def test_the_gradient_computes_the_trained_blocks_again(values: dict[str, Any], recomputed: int) -> None:
    assert n_activations(gradient_checkpointing=True, **values) == n_activations(**values) + recomputed


def n_activations(**values: Any) -> int:
    """The GELUs in the graph of a training step."""
    import tensorflow as tf

    config = settings.make(pretrained.Config, {"model": str(GOLDEN / "bert"), "max_length": 16, **values}, "test")
    config, _ = pretrained.encode(replace(config, allow_unknown_letters=True), [])
    network = network_training.build_model(registry.FAMILIES["pretrained"], config, runs.TASK, 3)

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)])
    def gradients(ids: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(network(ids, training=True))
        return tape.gradient(loss, network.trainable_variables)

    operations = gradients.get_concrete_function().graph.get_operations()
    return sum(operation.type == "Erf" for operation in operations)


@pytest.mark.parametrize(
    ("values", "changed"),
    [
        ({}, {"embeddings", "block_0", "block_1"}),
        ({"freeze_layers": 1}, {"block_1"}),
        ({"freeze_layers": 2}, set()),
        ({"freeze_layers": 1, "tune": "top", "blocks": 2}, {"block_1"}),
    ],
)
def test_frozen_layers_keep_their_weights(values: dict[str, Any], changed: set[str]) -> None:
    before = huggingface.read_weights(huggingface.read_folder(GOLDEN / "bert"))
    after = fit("bert", **values).model.arrays()
    assert {path.partition("/")[0] for path in before if not np.array_equal(before[path], after[path])} == changed


def test_frozen_layers_keep_their_lora_weights_at_nothing() -> None:
    after = fit(
        "bert", tune="lora", freeze_layers=1, gradient_accumulation=2, gradient_checkpointing=True
    ).model.arrays()
    assert not after["block_0/lora_out"].any()
    assert after["block_1/lora_out"].any()


def test_a_run_with_accumulated_gradients_resumes_exactly(tmp_path: Path) -> None:
    values = {"gradient_accumulation": 3}
    unbroken = runs.fit(None, **values)[0]
    with pytest.raises(runs.Killed):
        runs.fit(tmp_path, kill_at=7, **values)
    assert runs.same(unbroken, runs.fit(tmp_path, resume=True, **values)[0])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"freeze_layers": 3}, "'freeze_layers' must be at most 2"),
        ({"freeze_layers": -1}, "'freeze_layers' must be 0 or more"),
        ({"gradient_accumulation": 0}, "'gradient_accumulation' must be 1 or more"),
    ],
)
def test_settings_that_do_not_fit_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        TextClassifier("pretrained", {"model": str(GOLDEN / "bert"), **values}).fit(TEXTS, ["a", "b"] * 15)


def test_shared_blocks_cannot_be_frozen_in_part() -> None:
    with pytest.raises(SettingsError, match="must not be shared"):
        fit("albert", freeze_layers=1)
