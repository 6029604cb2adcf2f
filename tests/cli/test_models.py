"""`tenor models`, and the facts in its list."""

import json
import re
from pathlib import Path

import pytest

from helpers.command import Cli
from tenor.models.pretrained import catalogue, hub, huggingface, model_types

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "models" / "golden"


pytestmark = pytest.mark.usefixtures("empty_caches")


def test_encoders_are_listed_by_language_with_what_is_here(cli: Cli) -> None:
    lines = cli("models").out.splitlines()
    assert [line for line in lines if line and not line.startswith(" ")] == ["English", "Chinese", "multilingual"]
    [minilm] = [line for line in lines if line.startswith("  minilm")]
    assert re.search(r"bert +23M parameters +91 MB +512 tokens +Apache-2\.0 +installed$", minilm)
    [chinese] = [line for line in lines if line.startswith("  bge-base-zh")]
    assert re.search(r"102M parameters +408 MB +512 tokens +MIT$", chinese)
    chinese_alone = cli("models", "--reads", "zh").out
    assert chinese_alone.startswith("Chinese\n") and "  minilm" not in chinese_alone


def test_json_has_every_fact(cli: Cli, empty_caches: Path) -> None:
    folder = empty_caches / "modelscope" / "tenor" / "AI-ModelScope" / "bge-small-zh-v1.5"
    folder.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (folder / name).symlink_to(GOLDEN / "bert" / name)
    rows = {row["name"]: row for row in json.loads(cli("models", "--json").out)}
    assert rows.keys() == {encoder.name for encoder in catalogue.ENCODERS}
    assert (rows["minilm"]["where"], rows["bge-base-zh"]["where"]) == ("installed", None)
    assert (rows["bge-small-zh"]["where"], rows["bge-small-zh"]["folder"]) == ("cached", str(folder))
    assert rows["bge-base-en"]["measured"] is None


@pytest.mark.parametrize("encoder", catalogue.ENCODERS, ids=lambda encoder: encoder.name)
def test_every_encoder_is_of_a_type_that_is_read(encoder: catalogue.Encoder) -> None:
    assert encoder.model_type in model_types.MODEL_TYPES
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", encoder.hugging_face)


def test_names_are_unique() -> None:
    names = [encoder.name for encoder in catalogue.ENCODERS]
    assert len(set(names)) == len(names)


def test_the_facts_of_the_installed_encoder_are_those_of_its_folder() -> None:
    encoder = catalogue.find("minilm")
    assert encoder is not None
    folder = huggingface.read_folder(hub.locate("minilm"))
    shape = folder.architecture
    assert (shape.blocks, shape.width, shape.positions) == (encoder.blocks, encoder.width, encoder.max_length)
    assert folder.model_type == encoder.model_type
    n_weights = sum(value.size for value in huggingface.read_weights(folder).values())
    assert n_weights / 1e6 == pytest.approx(encoder.parameters, rel=0.02)


def test_measurements_are_those_of_the_benchmarks() -> None:
    parts = json.loads((ROOT / "bench" / "results.json").read_text("utf-8"))["avx512-bf16"]
    encoder = catalogue.find("minilm")
    assert encoder is not None and encoder.measured is not None
    [whole] = parts["minilm"]["runs"]["default"]
    [speed] = parts["finetune-speed"]["runs"]["tenor 128 bfloat16"]
    assert encoder.measured.imdb_accuracy == pytest.approx(whole["accuracy"], abs=5e-4)
    assert encoder.measured.training_s == pytest.approx(whole["fit_s"], abs=0.5)
    assert encoder.measured.tokens_per_s == pytest.approx(speed["tokens_per_s"], abs=0.5)
