"""What a model's settings say of its weights is what Keras builds."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tenor._core.records import RecordError
from tenor.config import settings
from tenor.models import registry
from tenor.models.family import NetworkFamily
from tenor.models.neural import shapes
from tenor.models.pretrained import huggingface
from tenor.tasks import SingleLabel

GOLDEN = Path(__file__).parents[1] / "golden"
WORDS: dict[str, Any] = {"vocabulary": 30, "max_length": 12}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("bag", {"vocabulary": 30, "embedding": 5}),
    ("bag", {"vocabulary": 30, "embedding": 5, "hidden": [7, 3]}),
    ("cnn", {**WORDS, "embedding": 5, "widths": [2, 3, 2], "filters": 4}),
    ("lstm", {**WORDS, "embedding": 5, "units": 6}),
    ("lstm", {**WORDS, "embedding": 5, "units": 6, "bidirectional": True}),
    ("transformer", {**WORDS, "width": 6, "heads": 2, "blocks": 3, "feed_forward": 5}),
    ("pretrained", {"model": "bert", "tune": "lora", "rank": 3, "max_length": 12}),
    ("pretrained", {"model": "albert", "max_length": 12}),
    ("pretrained", {"model": "electra", "max_length": 12}),
]


def config_of(name: str, values: dict[str, Any]) -> Any:
    if name == "pretrained":
        folder = huggingface.read_folder(GOLDEN / values["model"])
        values = {**values, "architecture": folder.architecture.to_dict()}
    return settings.make(registry.find(name).config, values, "test")


@pytest.mark.parametrize(("name", "values"), CASES)
def test_they_are_those_of_the_network(name: str, values: dict[str, Any]) -> None:
    pytest.importorskip("keras")
    family, config = registry.find(name), config_of(name, values)
    assert isinstance(family, NetworkFamily)
    network = family.build(config, SingleLabel(("a", "b", "c")))
    expected = dict(family.shapes(config, 3))
    assert {variable.path: tuple(variable.shape) for variable in network.weights} == expected
    assert next(iter(expected.values()))[0] in (30, huggingface.read_folder(GOLDEN / "bert").architecture.tokens)


def test_settings_of_any_size_are_compared_at_once() -> None:
    family = registry.find("transformer")
    huge = settings.make(family.config, {"width": 10**9, "heads": 1, "blocks": 10**9, "vocabulary": 10**9}, "test")
    assert isinstance(family, NetworkFamily)
    with pytest.raises(RecordError, match=r"field 'embeddings/token': it has the shape \(1, 1\), and the settings ask"):
        shapes.check_arrays(family.shapes(huge, 2), {"embeddings/token": np.zeros((1, 1), np.float32)})


def test_what_is_missing_too_much_or_of_another_type_is_named() -> None:
    family = registry.find("lstm")
    config = config_of("lstm", {**WORDS, "embedding": 5, "units": 6})
    assert isinstance(family, NetworkFamily)
    arrays = {name: np.zeros(shape, np.float32) for name, shape in family.shapes(config, 1)}
    shapes.check_arrays(family.shapes(config, 1), arrays)
    for changed, problem in (
        ({**arrays, "more": np.zeros(1, np.float32)}, r"'more': the settings ask for no such weights"),
        ({**arrays, "logits/bias": np.zeros(1, np.float64)}, r"'logits/bias': it is float64, not float32"),
        ({name: arrays[name] for name in arrays if name != "lstm/lstm_cell/bias"}, r"'lstm/.*': it is missing"),
    ):
        with pytest.raises(RecordError, match=rf"weights\.safetensors, field {problem}"):
            shapes.check_arrays(family.shapes(config, 1), changed)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"tokens": 10**9}, "'settings.architecture.tokens': it is 1000000000, not a whole number"),
        ({"heads": 5}, "they are 5, which do not share the width of 12"),
        ({"positions": 11}, "it is 11, and max_length is 12"),
        ({"epsilon": "x"}, "'settings.architecture.epsilon': it is 'x', not a number"),
    ],
)
def test_an_architecture_that_is_none_is_refused(values: dict[str, Any], problem: str) -> None:
    family = registry.find("pretrained")
    architecture = huggingface.read_folder(GOLDEN / "bert").architecture.to_dict() | values
    config = settings.make(family.config, {"max_length": 12, "architecture": architecture}, "test")
    assert isinstance(family, NetworkFamily)
    with pytest.raises(RecordError, match=problem):
        list(family.shapes(config, 1))
