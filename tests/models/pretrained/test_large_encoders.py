"""Settings for encoders that are large for the machine: accumulation, frozen layers."""

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
from tenor.training import neural

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
    after = fit("bert", tune="lora", freeze_layers=1, gradient_accumulation=2).model.arrays()
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
