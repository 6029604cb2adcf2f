import functools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.command import Cli
from helpers.rows import english, write_csv
from tenor._core.callbacks import Callback
from tenor.config import settings
from tenor.config.run_config import PretrainConfig, RunConfig
from tenor.errors import BundleError, SettingsError, TenorError
from tenor.inference.bundle import load_encoder
from tenor.models import registry
from tenor.models.neural import masked_head
from tenor.text import batches, vocabulary
from tenor.text.encoded import PADDING
from tenor.training import masked_lm, masked_objective, network_training, pipeline, pretraining, run_setup

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[1] / "models" / "golden"
TRANSFORMER: dict[str, Any] = {
    "vocabulary": 60,
    "width": 8,
    "blocks": 1,  # the pretrained encoder has two
    "feed_forward": 8,
    "max_length": 12,
    "batch_tokens": 256,
    "epochs": 2,
    "dropout": 0.1,
}
PRETRAINED: dict[str, Any] = {
    "allow_unknown_letters": True,  # the tiny encoder knows few words
    "model": str(GOLDEN / "bert"),
    "max_length": 16,
    "batch_tokens": 256,
    "epochs": 2,
    "validation": 0.1,
}
TEXTS = [text for text, _ in english(150)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "texts.txt"
    path.write_text("\n".join([*TEXTS, "", " "]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def encoder(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small transformer's encoder."""
    out = tmp_path_factory.mktemp("encoders") / "encoder"
    pretraining.pretrain(PretrainConfig(str(corpus), settings=TRANSFORMER, out=str(out)))
    return out


def objective(texts: list[str]) -> Any:
    family = registry.FAMILIES["transformer"]
    config = settings.make(family.config, TRANSFORMER, "test")
    words = vocabulary.build(texts, 60)
    encoded = words.encode(texts, 12, "windows")
    network = network_training.Network(
        family, masked_lm.NO_TASK, config, words, network_training.build_model(family, config, masked_lm.NO_TASK, 0)
    )
    return masked_objective.MaskedTokenObjective(network, encoded, encoded, 0)


def test_masked_tokens_are_a_share_of_each_row_and_padding_is_never_one() -> None:
    result = objective(TEXTS)
    (batch, *_) = batches.sequential_batches(result.encoded.lengths, 256, [12])
    (ids, positions, tokens, _), named, weights = result.batch_arrays(batch, np.random.default_rng(1))
    targets = tokens.ravel()[named]
    original = result.encoded.pad(batch.rows, batch.width)
    rows = len(batch.rows)
    asked = weights[:rows] > 0
    np.testing.assert_array_equal(np.take_along_axis(original, positions[:rows], axis=1)[asked], targets[:rows][asked])
    assert not weights[rows:].any()
    assert (targets[weights > 0] > 1).all()
    expected = np.minimum(np.ceil((original > 1).sum(axis=1) * 0.4), positions.shape[1])
    assert asked.sum(axis=1).tolist() == expected.tolist()
    assert weights.sum() == pytest.approx(weights.size)
    untouched = np.ones(original.shape, bool)
    np.put_along_axis(untouched, np.where(asked, positions[:rows], positions[:rows, :1]), False, axis=1)
    np.testing.assert_array_equal(ids[:rows][untouched], original[untouched])


def test_an_encoder_from_nothing_names_rare_tokens_more_often_than_frequent_ones() -> None:
    result = objective(TEXTS * 20)
    chosen = np.zeros(60)
    for batch in batches.sequential_batches(result.encoded.lengths, 2560, [12]):
        (_, _, tokens, _), named, weights = result.batch_arrays(batch, np.random.default_rng(2))
        targets = tokens.ravel()[named]
        chosen += np.bincount(targets[weights > 0], minlength=60)
    there = np.bincount(result.encoded.ids, minlength=60)
    rising = [token for token in np.argsort(there) if token > 1 and there[token]]
    share = chosen[rising] / there[rising]
    assert there[rising[-5]] > 3 * there[rising[4]]
    assert share[-5:].mean() < 0.7 * share[:5].mean()


def test_most_masked_tokens_become_the_mask_and_a_few_stay() -> None:
    result = objective(TEXTS * 20)
    shown, expected = [], []
    for batch in batches.sequential_batches(result.encoded.lengths, 2560, [12]):
        (ids, positions, tokens, _), named, weights = result.batch_arrays(batch, np.random.default_rng(2))
        shown.append(np.take_along_axis(ids, positions, axis=1)[weights > 0])
        expected.append(tokens.ravel()[named][weights > 0])
    ids, targets = np.concatenate(shown), np.concatenate(expected)
    assert (ids == vocabulary.UNKNOWN).mean() == pytest.approx(0.8, abs=0.03)
    assert (ids == targets).mean() == pytest.approx(0.1, abs=0.03)


def test_the_head_names_tokens_by_their_embeddings() -> None:
    result = objective(TEXTS)
    logits = result.full_model([np.array([[3, 4, 5, 0]], np.int32), np.array([[1]], np.int32)])
    assert tuple(logits.shape) == (1, 1, 60)
    head = next(layer for layer in result.keras_model.layers if isinstance(layer, masked_head.MaskedHead))
    assert head.embeddings.token is result.network.keras_model.get_layer("embeddings").token


def test_a_token_is_named_among_all_where_all_are_drawn() -> None:
    result = objective(TEXTS)
    (batch, *_) = batches.sequential_batches(result.encoded.lengths, 256, [12])
    (ids, positions, tokens, log_chance), named, weights = result.batch_arrays(batch, np.random.default_rng(1))
    targets = tokens.ravel()[named]
    assert set(range(1, result.vocabulary_size)) <= set(tokens.ravel().tolist())
    asked, special = weights > 0, [PADDING, vocabulary.UNKNOWN]
    logits = np.array(result.full_model([ids, positions]))[..., : result.vocabulary_size]
    logits[..., special] = -np.inf
    some = np.array(result.keras_model([ids, positions, tokens, log_chance]))
    np.testing.assert_allclose(loss(some, named)[asked], loss(logits, targets)[asked], atol=0.01)


def loss(logits: Any, targets: Any) -> Any:
    of_target = np.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    return np.log(np.exp(logits).sum(axis=-1)) - of_target


def test_the_chance_of_a_token_to_be_drawn_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masked_objective, "_CANDIDATES", 8)
    result = objective(TEXTS)
    there, told, seen = np.zeros(result.vocabulary_size), np.zeros(result.vocabulary_size), 0
    for number in range(400):
        for batch in batches.sequential_batches(result.encoded.lengths, 64, [12]):
            (_, _, tokens, log_chance), _, _ = result.batch_arrays(batch, np.random.default_rng(number))
            kept = log_chance.ravel() < 100
            drawn = tokens.ravel()[kept]
            assert len(np.unique(drawn)) == len(drawn)
            there[drawn] += 1
            told[drawn] += np.exp(log_chance.ravel()[kept])
            seen += 1
    chance = told[2:] / there[2:]
    assert chance.max() > 1.4 * chance.min()
    np.testing.assert_allclose(there[2:] / seen, chance, rtol=0.25)


def test_the_loss_falls_and_the_encoder_has_no_head(encoder: Path) -> None:
    result = load_encoder(encoder)
    losses = [float(row["validation_loss"]) for row in result.history]
    assert len(losses) == 2 and losses[1] < losses[0] < np.log(60) + 0.5
    assert not any(name.startswith(("logits/", "masked/")) for name in result.arrays)


class _Stop(Callback):
    def __init__(self, at: int) -> None:
        self.left = at

    def on_progress(self, *_: Any) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


class _StopAfterEpoch(Callback):
    def on_progress(self, stage: str, *_: Any) -> None:
        if stage.startswith("epoch 2"):
            raise KeyboardInterrupt


def test_the_same_seed_gives_the_same_encoder_also_when_a_run_was_stopped_and_resumed(
    corpus: Path, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    always = functools.partial(run_setup.Checkpoints, min_interval_s=0.0, max_time_share=math.inf)
    monkeypatch.setattr(run_setup, "Checkpoints", always)
    run = {"settings": TRANSFORMER, "out": str(tmp_path / "encoder")}
    with pytest.raises(KeyboardInterrupt):
        pretraining.pretrain(PretrainConfig(str(corpus), **run), _Stop(7))
    assert (tmp_path / "encoder.training").is_dir()
    pretraining.pretrain(PretrainConfig(str(corpus), **run, resume=True))
    one, other = load_encoder(encoder).arrays, load_encoder(tmp_path / "encoder").arrays
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert not (tmp_path / "encoder.training").exists()


def test_an_encoder_that_is_complete_is_left_as_it_is(cli: Cli, corpus: Path, tmp_path: Path) -> None:
    values = {**TRANSFORMER, "epochs": 1}
    assigned = [f"--set={name}={value}" for name, value in values.items()]
    command = ["pretrain", corpus, "--out", tmp_path / "encoder", *assigned, "--resume"]
    first = cli(*command)
    assert first.code == 0 and "there is no checkpoint yet" in first.err
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "encoder").iterdir()}
    again = cli(*command)
    assert (again.code, again.out) == (0, first.out)
    assert f"{tmp_path / 'encoder'}: output already exists and is complete; nothing to resume." in again.err
    other = cli(*command, "--seed", "1", "--set", "width=16")
    assert other.code == 1 and "this is of another run (width is 16, was 8; seed is 1, was 0)" in other.err
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "encoder").iterdir()} == before


def test_training_starts_from_the_encoder(encoder: Path, english_csv: Path, tmp_path: Path) -> None:
    values = {"epochs": 1, "learning_rate": 1e-9, "dropout": 0.0}
    run = RunConfig(
        str(english_csv), family="transformer", settings=values, init=str(encoder), out=str(tmp_path / "model")
    )
    trained = pipeline.train(run).predictor.bundle
    start = load_encoder(encoder)
    assert trained.config.width == 8
    assert trained.model.encoder() == start.text_encoder
    for name, value in start.arrays.items():
        np.testing.assert_allclose(trained.model.arrays()[name], value, atol=1e-6)


def test_a_transformer_that_starts_from_an_encoder_learns_faster(encoder: Path) -> None:
    family, start = registry.FAMILIES["transformer"], load_encoder(encoder)
    assert run_setup.resolve_settings(family, {}, start).learning_rate == 0.006
    assert run_setup.resolve_settings(family, {"learning_rate": 0.001}, start).learning_rate == 0.001
    assert run_setup.resolve_settings(family, {}, None).learning_rate == 0.002


def test_a_pretrained_encoder_goes_on_and_is_started_from(corpus: Path, english_csv: Path, tmp_path: Path) -> None:
    folder, result = pretraining.pretrain(
        PretrainConfig(str(corpus), family="pretrained", settings=PRETRAINED, out=str(tmp_path / "encoder"))
    )
    assert float(result.history[1]["validation_loss"]) < float(result.history[0]["validation_loss"])
    values = {"max_length": 16, "epochs": 1}
    run = RunConfig(
        str(english_csv), family="pretrained", settings=values, init=str(folder), out=str(tmp_path / "model")
    )
    assert pipeline.train(run).metrics["test"]["accuracy"] >= 0


def test_encoders_of_one_corpus_are_told_apart(corpus: Path, encoder: Path, english_csv: Path, tmp_path: Path) -> None:
    other, _ = pretraining.pretrain(
        PretrainConfig(str(corpus), settings=TRANSFORMER, seed=1, out=str(tmp_path / "other"))
    )
    run = {"family": "transformer", "out": str(tmp_path / "model"), "settings": {"epochs": 2}}
    with pytest.raises(KeyboardInterrupt):
        pipeline.train(RunConfig(str(english_csv), init=str(encoder), **run), _StopAfterEpoch())
    with pytest.raises(TenorError, match=r"the checkpoint is of another run \(init differs\)"):
        pipeline.train(RunConfig(str(english_csv), init=str(other), resume=True, **run))


def test_what_does_not_fit_is_refused(encoder: Path, model_folder: Path, english_csv: Path, tmp_path: Path) -> None:
    def train(**values: Any) -> None:
        options = {"family": "transformer", "init": str(encoder), "out": str(tmp_path / "never")} | values
        pipeline.train(RunConfig(str(english_csv), **options))

    with pytest.raises(SettingsError, match=r"an encoder of the family 'transformer', not 'pretrained'"):
        train(family="pretrained")
    with pytest.raises(SettingsError, match=r"the setting 'width' is 16, and that of the encoder to start from is 8"):
        train(settings={"width": 16})
    with pytest.raises(BundleError, match=r"this is not a pretrained encoder. Make one with: tenor pretrain"):
        train(init=str(model_folder))
    with pytest.raises(SettingsError, match=r"the family 'lstm' has no encoder to pretrain. Known: transformer, pret"):
        pretraining.pretrain(PretrainConfig(str(english_csv), family="lstm"))
    with pytest.raises(SettingsError, match=r"setting 'tune' must be all"):
        pretraining.pretrain(
            PretrainConfig(str(english_csv), family="pretrained", settings=PRETRAINED | {"tune": "lora"})
        )
    assert not (tmp_path / "never").exists()


def test_the_command_says_how_to_go_on(cli: Cli, tmp_path: Path, encoder: Path) -> None:
    data = write_csv(tmp_path / "texts.csv", english(40))
    given = [f"--set={key}={json.dumps(value)}" for key, value in TRANSFORMER.items()]
    ended = cli("pretrain", data, "--out", tmp_path / "encoder", *given)
    assert ended.code == 0, ended.err
    assert f"--family transformer --init {tmp_path / 'encoder'}" in ended.out
    ended = cli("predict", encoder, "good")
    assert ended.code == 1
    assert "this is a pretrained encoder, not a classifier" in ended.err
    assert f"tenor train DATA --family transformer --init {encoder}" in ended.err
    few = ["--set=epochs=1", "--set=batch_tokens=256", "--no-report"]
    ended = cli("train", data, "--init", encoder, "--out", tmp_path / "model", *few)  # no --family
    assert ended.code == 0, ended.err
    assert json.loads((tmp_path / "model" / "tenor.json").read_text(encoding="utf-8"))["family"] == "transformer"
    given += ["--set=validation=0", "--set=epochs=1"]  # with nothing held out all texts are learned from
    [row] = json.loads(cli("pretrain", data, "--json", "--out", tmp_path / "other", *given).out)["history"]
    assert list(row) == ["epoch", "loss", "accuracy", "texts_per_s"]
    ended = cli("pretrain", tmp_path / "none.csv")
    assert ended.code == 1 and "none.csv" in ended.err
