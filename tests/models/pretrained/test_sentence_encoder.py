"""Sentence encoders: their vectors are those of Sentence Transformers, in Keras, in ONNX and in NumPy.

`bench/reference_sentences.py` writes the small folders and the vectors.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import numpy as safetensors

from tenor import TextClassifier, load
from tenor._core.callbacks import Callback
from tenor.config import settings
from tenor.data.fields import Fields
from tenor.errors import SettingsError
from tenor.models.families import pretrained
from tenor.models.pretrained import numpy_encoder, sentence_encoder
from tenor.models.pretrained.frozen import FrozenEncoder
from tenor.tasks import SingleLabel

GOLDEN = Path(__file__).parents[1] / "golden" / "sentences"
KINDS = sorted(folder.name for folder in GOLDEN.iterdir())
TASK = SingleLabel(("a", "b"))


def config(folder: Path, **values: Any) -> pretrained.Config:
    return settings.make(pretrained.Config, {"model": str(folder), **values}, "test")


def expected(kind: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((GOLDEN / kind / "expected.json").read_text("utf-8"))
    return values


def unscaled(filled: pretrained.Config, vectors: Any) -> Any:
    """Our vectors as the source has them: of length 1 where it scales them."""
    scale = np.sqrt(filled.features_width) if filled.sentence_layers.normalised else 1.0
    return np.asarray(vectors) / scale


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / "last-two-dense", tmp_path / "encoder"))


def change(folder: Path, name: str, edit: Callable[[Any], Any]) -> None:
    values = json.loads((folder / name).read_text("utf-8"))
    (folder / name).write_text(json.dumps(edit(values) or values), "utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_vectors_are_those_of_sentence_transformers(kind: str) -> None:
    source = expected(kind)
    filled = config(GOLDEN / kind, tune="frozen", prompt=source["prompt"], predict_truncation="start")
    encoder = FrozenEncoder.load(filled, source["texts"], Fields())
    filled = encoder.config
    assert (filled.pooled_blocks, filled.prompt) == (1, source["prompt"])
    encoded = encoder.text_encoder.encode(source["texts"], filled.row_length, "start")
    by_graph = encoder.features(encoded, Callback())
    np.testing.assert_allclose(unscaled(filled, by_graph), source["vectors"], atol=1e-4)
    rows = np.split(encoded.ids, encoded.row_offsets[1:-1])
    by_numpy = numpy_encoder.features(filled, encoder.weights, rows)
    np.testing.assert_allclose(by_numpy, by_graph, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_vectors_in_keras_are_those_of_sentence_transformers(kind: str) -> None:
    import keras

    from tenor.models.onnx import convert, runtimes
    from tenor.models.onnx.loading import OnnxGraph

    source = expected(kind)
    filled, encoder = pretrained.encode(config(GOLDEN / kind, prompt=source["prompt"]), [])
    network = pretrained.build(filled, TASK)
    pretrained.initialise(filled, network)
    expected_shapes = dict(pretrained.shapes(filled, TASK.n_outputs))
    assert {variable.path: tuple(variable.shape) for variable in network.weights} == expected_shapes
    encoded = encoder.encode(source["texts"], filled.row_length, "start")
    ids = encoded.pad(np.arange(len(source["texts"])), int(encoded.lengths.max()))
    vectors = keras.Model(network.input, network.get_layer("dropout").input)(ids)
    np.testing.assert_allclose(unscaled(filled, vectors), source["vectors"], atol=1e-4)
    weights = {variable.path: np.asarray(variable, np.float32) for variable in network.weights}
    graph = OnnxGraph("the network", convert.convert(network), weights, TASK.n_outputs)
    np.testing.assert_allclose(runtimes.onnx_runtime(graph)(ids), np.asarray(network(ids)), atol=1e-4)


def test_settings_come_from_the_folder_unless_the_user_sets_them(folder: Path) -> None:
    filled, _ = pretrained.encode(config(folder), [])
    assert (filled.max_length, filled.pooling, filled.prompt) == (32, "last", "good: ")
    assert filled.notes == (
        "sentence encoder: last pooling, 10 units, 6 units, length 1; 32 tokens at most.",
        "each text starts with the prompt 'good: ' (setting `prompt`).",
    )
    filled, _ = pretrained.encode(config(folder, max_length=16, pooling="mean", prompt=""), [])
    assert (filled.max_length, filled.pooling, filled.prompt, filled.sentence) == (16, "mean", "", None)
    assert filled.notes == ()
    filled, _ = pretrained.encode(config(folder, prompt="document"), [])
    assert filled.prompt == "film: "
    filled, _ = pretrained.encode(config(folder, prompt="bad "), [])
    assert filled.prompt == "bad "


def test_the_length_is_that_of_the_folder(folder: Path) -> None:
    change(folder, "sentence_bert_config.json", lambda values: {"max_seq_length": 9})
    assert sentence_encoder.max_length(folder) == 9
    (folder / "modules.json").unlink()
    assert sentence_encoder.max_length(folder) is None


@pytest.mark.parametrize(
    ("by_name", "default", "chosen"),
    [
        ({}, None, ""),
        ({"query": "q: ", "passage": "p: "}, "passage", "p: "),
        ({"query": "q: ", "Classification": "c: "}, None, "c: "),
        ({"query": "q: ", "passage": "p: "}, None, "q: "),
        ({"query": "q: ", "document": ""}, None, ""),
        ({"query": "Represent this sentence for searching: "}, None, ""),
    ],
)
def test_the_prompt_is_chosen_for_classification(by_name: dict[str, str], default: str | None, chosen: str) -> None:
    assert sentence_encoder.choose_prompt(by_name, default) == chosen


def test_every_window_of_a_text_has_the_prompt_and_spans_are_characters_of_the_text(folder: Path) -> None:
    _, encoder = pretrained.encode(config(folder), [])
    text = "a good film, and a boring one"
    alone = encoder.encode([text], 1_000, "end")
    windows = encoder.encode([text], 8, "windows")
    n_before = encoder.n_special_tokens - 1
    assert len(windows.lengths) > 1
    for begin in windows.row_offsets[:-1]:
        assert windows.ids[begin : begin + n_before].tolist() == alone.ids[:n_before].tolist()
    at, begin, end = encoder.spans(text, 1_000, "end")
    assert at.min() == n_before and begin.min() == 0 and end.max() == len(text)
    at, begin, end = encoder.spans(text, 8, "windows")
    assert len(set(at.tolist())) == len(at) and {text[b:e] for b, e in zip(begin, end, strict=True)} >= {"film", ","}


def edit_pooling(**values: Any) -> Callable[[Path], None]:
    return lambda folder: change(folder, "1_Pooling/config.json", lambda before: before | values)


def edit_dense(**values: Any) -> Callable[[Path], None]:
    return lambda folder: change(folder, "2_Dense/config.json", lambda before: before | values)


def edit_module(number: int, **values: Any) -> Callable[[Path], None]:
    return lambda folder: change(folder, "modules.json", lambda modules: modules[number].update(values))


def edit_weights(folder: Path) -> None:
    path = folder / "2_Dense" / "model.safetensors"
    path.write_bytes(safetensors.save({"linear.weight": np.zeros((3, 3), np.float32)}))


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (
            edit_module(1, type="models.WeightedLayerPooling"),
            "does not know the module 'WeightedLayerPooling'.*Set `pooling`",
        ),
        (edit_module(2, type="models.Pooling"), "does not know the module 'Pooling' at its place"),
        (edit_module(0, path="0_Transformer"), "its Transformer is in the folder '0_Transformer'.*Move"),
        (edit_module(0, type="models.CLIPModel"), "its first module is not a Transformer"),
        (edit_module(2, path="../2_Dense"), r"modules\[2\].path': it is not the name of a folder"),
        (edit_pooling(pooling_mode=["cls", "mean"]), r"does not know the pooling \['cls', 'mean'\]"),
        (edit_pooling(pooling_mode="weightedmean"), r"does not know the pooling \['weightedmean'\]"),
        (edit_pooling(include_prompt=False), "its pooling leaves out the prompt"),
        (edit_pooling(embedding_dimension=13), "embedding_dimension is 13, and the Transformer's width is 12"),
        (edit_dense(activation_function="torch.nn.modules.activation.Hardtanh"), "the activation 'Hardtanh'"),
        (edit_dense(use_residual=True), "a dense layer of this kind"),
        (edit_dense(in_features=13), "in_features is 13, not 12"),
        (edit_weights, r"2_Dense: this is damaged: its weights have the shapes \(3, 3\) and \(10,\)"),
        (
            lambda folder: (folder / "2_Dense" / "model.safetensors").unlink(),
            "2_Dense: .*there is no model.safetensors",
        ),
        (lambda folder: change(folder, "sentence_bert_config.json", lambda _: {"do_lower_case": True}), "lower case"),
        (lambda folder: (folder / "modules.json").write_text("[{]"), "modules.json: this is damaged: .*not JSON"),
    ],
)
def test_what_is_not_known_or_damaged_is_an_error(folder: Path, edit: Callable[[Path], None], problem: str) -> None:
    edit(folder)
    with pytest.raises(SettingsError, match=problem):
        pretrained.read_weights(pretrained.encode(config(folder), [])[0])


def test_old_names_of_the_pooling_are_read(folder: Path) -> None:
    old = {"word_embedding_dimension": 12, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    change(folder, "1_Pooling/config.json", lambda _: old)
    read = sentence_encoder.read(folder, 12)
    assert read is not None and read.pooling == "first"


@pytest.mark.parametrize("tune", ["frozen", pytest.param("all", marks=pytest.mark.slow)])
def test_a_saved_model_predicts_and_explains_without_the_folder(folder: Path, tmp_path: Path, tune: str) -> None:
    texts, labels = ["good film", "bad film", "a good actor", "bad and boring"] * 8, ["yes", "no"] * 16
    model = TextClassifier("pretrained", {"model": str(folder), "tune": tune, "epochs": 1}, random_state=0)
    before = model.fit(texts, labels).predict_proba(texts[:4])
    model.save(tmp_path / "model")
    shutil.rmtree(folder)
    loaded = load(tmp_path / "model")
    np.testing.assert_allclose(loaded.predict_proba(texts[:4]), before, atol=1e-5)
    description = json.loads((tmp_path / "model" / "encoder.json").read_text("utf-8"))
    assert description["prompt"] == "good: "
    explanation = loaded.explain(["bad film"])[0]
    assert (explanation.text, explanation.unread) == ("bad film", ())
    words = [word for evidence in explanation.labels for word in evidence.spans]
    assert words and {"bad film"[word.begin : word.end] for word in words} <= {"bad", "film"}
