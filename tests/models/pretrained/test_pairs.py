"""An encoder with token types reads two texts as the reference implementation does."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tenor import TextClassifier, load
from tenor.config import settings
from tenor.data.fields import SEPARATOR, Field, Fields
from tenor.errors import BundleError
from tenor.models.families import pretrained
from tenor.models.neural import neural_model
from tenor.models.onnx import convert, runtimes
from tenor.models.onnx.loading import OnnxGraph
from tenor.models.pretrained import numpy_encoder
from tenor.models.tabular import row_encoder
from tenor.models.tabular.row_encoder import RowEncoder
from tenor.tasks import SingleLabel

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[1] / "golden"
EXPECTED = json.loads((GOLDEN / "pairs.json").read_text(encoding="utf-8"))["kinds"]
WITH_TYPES = ["bert", "albert", "electra", "ernie", "roformer"]
TASK = SingleLabel(("a", "b", "c"))
FIELDS = Fields((Field("question", "text"), Field("answer", "text")))


def folder_with_pair_form(kind: str, folder: Path) -> Path:
    """The small encoder with the pair form of published ones."""
    shutil.copytree(GOLDEN / kind, folder / kind)
    path = folder / kind / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    tokenizer["post_processor"] = EXPECTED[kind]["post_processor"]
    path.write_text(json.dumps(tokenizer), encoding="utf-8")
    return folder / kind


def read(kind: str, folder: Path) -> tuple[pretrained.Config, RowEncoder]:
    """The filled-in settings, and the encoder of rows of two texts."""
    model = str(folder_with_pair_form(kind, folder))
    config = settings.make(pretrained.Config, {"model": model, "max_length": 32, "pooled_blocks": 1}, "")
    filled, subwords = pretrained.encode(config, [])
    return pretrained.mark_second_text(filled, row_encoder.build(subwords, [], FIELDS, has_room=False))


def rows_of(kind: str) -> list[str]:
    return [SEPARATOR.join(row["texts"]) for row in EXPECTED[kind]["rows"]]


@pytest.mark.parametrize("kind", WITH_TYPES)
def test_ids_token_types_and_values_are_those_of_the_reference(kind: str, tmp_path: Path) -> None:
    import keras

    config, encoder = read(kind, tmp_path)
    encoded = encoder.encode(rows_of(kind), 32, "both")
    network = pretrained.build(config, TASK)
    pretrained.initialise(config, network)
    body = keras.Model(network.input, network.get_layer("values").output)
    values = np.asarray(body(encoded.pad(np.arange(len(encoded.lengths)), 32)))
    tokens = config.architecture["tokens"]  # type: ignore[index]
    for number, row in enumerate(EXPECTED[kind]["rows"]):
        ids = encoded.ids[encoded.row_offsets[number] : encoded.row_offsets[number + 1]]
        assert (ids % tokens).tolist() == row["ids"]
        assert (ids // tokens).tolist() == row["types"]
        np.testing.assert_allclose(values[number, : len(ids)], row["values"], atol=1e-4)
    weights = {variable.path: np.asarray(variable) for variable in network.weights}
    split = np.split(encoded.ids, encoded.row_offsets[1:-1])
    logits = np.asarray(network(encoded.pad(np.arange(len(split)), 32)))
    features = numpy_encoder.features(config, weights, split)
    np.testing.assert_allclose(features @ weights["logits/kernel"] + weights["logits/bias"], logits, atol=1e-4)
    for int8, tolerance in ((False, 1e-4), (True, 0.2)):
        run = runtimes.onnx_runtime(OnnxGraph("test", convert.convert(network, int8), weights, 3))
        np.testing.assert_allclose(run(encoded.pad(np.arange(len(split)), 32)), logits, atol=tolerance)
    assert {path: value.shape for path, value in weights.items()} == dict(pretrained.shapes(config, 3))


@pytest.mark.parametrize("kind", ["distilbert", "deberta-v3"])
def test_an_encoder_without_a_table_of_segments_reads_one_type(kind: str, tmp_path: Path) -> None:
    config, encoder = read(kind, tmp_path)
    encoded = encoder.encode(rows_of(kind), 32, "both")
    assert encoder.second_offset == 0
    assert "second_segment" not in (config.architecture or {})
    split = np.split(encoded.ids, encoded.row_offsets[1:-1])
    assert [ids.tolist() for ids in split] == [row["ids"] for row in EXPECTED[kind]["rows"]]


def test_three_texts_have_one_type(tmp_path: Path) -> None:
    filled, _ = read("bert", tmp_path)
    fields = Fields(tuple(Field(name, "text") for name in "abc"))
    _, subwords = pretrained.encode(filled, [])
    _, encoder = pretrained.mark_second_text(filled, row_encoder.build(subwords, [], fields, has_room=False))
    assert encoder.second_offset == 0


def test_windows_and_spans_keep_the_type_of_each_token(tmp_path: Path) -> None:
    config, encoder = read("bert", tmp_path)
    text = SEPARATOR.join(["good film " * 20, "bad plot " * 20])
    encoded = encoder.encode([text], 16, "windows")
    spans = encoder.spans(text, 16, "windows")
    assert len(encoded.lengths) > 2
    in_second = spans.begin > text.index(SEPARATOR)
    tokens = config.architecture["tokens"]  # type: ignore[index]
    assert ((encoded.ids[spans.at] >= tokens) == in_second).all()


def test_a_saved_encoder_is_the_same_and_a_wrong_offset_is_refused(tmp_path: Path) -> None:
    config, encoder = read("bert", tmp_path)
    described = json.loads(json.dumps(encoder.to_dict()))
    assert neural_model.restore_encoder(pretrained.FAMILY, config, described) == encoder
    with pytest.raises(ValueError, match="second_offset"):
        neural_model.restore_encoder(pretrained.FAMILY, config, {**described, "second_offset": 69})
    without = {key: value for key, value in described.items() if key != "second_offset"}
    with pytest.raises(ValueError, match="second_offset"):
        neural_model.restore_encoder(pretrained.FAMILY, config, without)
    shape = {key: value for key, value in (config.architecture or {}).items() if key != "second_segment"}
    older = neural_model.restore_encoder(pretrained.FAMILY, replace(config, architecture=shape), without)
    assert row_encoder.second_offset(older) == 0  # a folder of an earlier version


@pytest.mark.parametrize("tune", ["frozen", "all"])
def test_a_model_of_pairs_is_trained_saved_and_explained(tune: str, tmp_path: Path) -> None:
    words = ["good", "bad", "film", "plot", "really"]
    pairs: list[dict[str, Any]] = [
        {"question": f"{words[at % 5]} {words[at % 3]}", "answer": words[at % 5] if at % 2 else words[(at + 1) % 5]}
        for at in range(40)
    ]
    model = TextClassifier(
        family="pretrained",
        text=["question", "answer"],
        pair=True,
        settings={
            "model": str(folder_with_pair_form("bert", tmp_path)),
            "max_length": 32,
            "tune": tune,
            "epochs": 1,
            "allow_unknown_letters": True,
        },
    ).fit(pairs, ["same" if at % 2 else "other" for at in range(40)])
    model.save(tmp_path / "saved")
    loaded = load(tmp_path / "saved")
    probabilities = model.predict_proba(pairs)
    np.testing.assert_allclose(loaded.predict_proba(pairs), probabilities, atol=1e-5)
    swapped = [{"question": pair["answer"], "answer": pair["question"]} for pair in pairs]
    assert np.abs(loaded.predict_proba(swapped) - probabilities).max() > 0
    explanation = loaded.explain([pairs[0]])[0]
    assert explanation.labels
    encoder_file = tmp_path / "saved" / "encoder.json"
    assert json.loads(encoder_file.read_text(encoding="utf-8"))["second_offset"] == 68
    encoder_file.write_text(encoder_file.read_text(encoding="utf-8").replace("68", "69", 1), encoding="utf-8")
    with pytest.raises(BundleError):
        load(tmp_path / "saved")
