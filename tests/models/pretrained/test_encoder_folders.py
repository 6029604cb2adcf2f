"""Folders in Hugging Face's layout that mean harm, or are damaged: refused in words, before a network is built."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import numpy as safetensors

from tenor.config import settings
from tenor.errors import SettingsError
from tenor.models.families import pretrained
from tenor.models.pretrained import huggingface

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / "bert", tmp_path / "bert"))


def encode(folder: Path) -> Any:
    """All that is read of it before a network is built, and its weights."""
    config = settings.make(pretrained.Config, {"model": str(folder), "max_length": 32}, "test")
    _, subwords = pretrained.encode(config, [])
    return subwords, huggingface.read_weights(huggingface.read_folder(folder))


def test_a_cache_made_of_links_is_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "snapshot").mkdir()
    for path in folder.iterdir():
        (tmp_path / "snapshot" / path.name).symlink_to(path)
    subwords, weights = encode(tmp_path / "snapshot")
    assert subwords.size == 68 and len(weights) == 28


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "sparse"])
def test_what_is_no_plain_file_is_refused_at_once(folder: Path, name: str, kind: str) -> None:
    (folder / name).unlink()
    if kind == "pipe":
        os.mkfifo(folder / name)
    elif kind == "device":
        (folder / name).symlink_to("/dev/zero")
    elif kind == "folder":
        (folder / name).mkdir()
    else:
        with (folder / name).open("wb") as stream:
            stream.truncate(80 << 30)
    problem = r"85,899,345,920 bytes long" if kind == "sparse" else "is not a plain file"
    with pytest.raises(SettingsError, match=rf"bert.*{problem}.*Download the model again"):
        encode(folder)


def changed_config(**values: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), "utf-8")

    return change


def changed_weights(edit: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        tensors = {name: array.copy() for name, array in safetensors.load_file(folder / "model.safetensors").items()}
        edit(tensors)
        (folder / "model.safetensors").write_bytes(safetensors.save(tensors))

    return change


QUERY = "encoder.layer.1.attention.self.query.weight"


BIAS = "encoder.layer.0.output.dense.bias"


def with_long_bias(tensors: dict[str, Any]) -> None:
    tensors[BIAS] = np.zeros(24, np.float32)


def with_nan(tensors: dict[str, Any]) -> None:
    tensors[QUERY][0, 0] = np.nan


def as_integers(folder: Path) -> None:
    path = folder / "model.safetensors"
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    name = "encoder.layer.0.output.dense.bias"
    header[name] |= {"dtype": "I16", "shape": [2 * header[name]["shape"][0]]}
    text = json.dumps(header).encode().ljust(length)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (changed_config(vocab_size=10**9), "field 'tokens': it is 1000000000, not a whole number from 1 to 4,000,000"),
        (
            changed_config(vocab_size=2_000_000),
            r"word_embeddings\.weight has the shape \(68, 12\), and config\.json asks",
        ),
        (changed_config(num_hidden_layers=400), r"there is no 'encoder\.layer\.2\.attention\.self\.query\.weight'"),
        (changed_config(hidden_size=60_000), "has the shape"),
        (changed_config(num_attention_heads=5), "they are 5, which do not share the width of 12"),
        (changed_config(num_attention_heads=0), "'num_attention_heads': it is 0, not a whole number"),
        (changed_config(max_position_embeddings=10**6), r"position_embeddings\.weight has the shape"),
        (changed_config(layer_norm_eps=float("nan")), "field 'layer_norm_eps': NaN is not a usable number"),
        (changed_config(layer_norm_eps=-1), "'epsilon': it is -1"),
        (changed_config(pad_token_id=68), "'pad_token_id': it is 68, not a whole number from 0 to 67"),
        (changed_config(pad_token_id=10**400), "field 'pad_token_id': 10+ is not a usable number"),
        (changed_config(hidden_act=["gelu"]), r"the activation \['gelu'\] is not known"),
        (changed_config(model_type="x" * 9_000), "the model is of type"),
        (changed_weights(with_nan), r"query\.weight has values that are not finite"),
        (
            changed_weights(lambda tensors: tensors.update({QUERY: np.zeros((1, 1), np.float32)})),
            r"has the shape \(1, 1\)",
        ),
        (changed_weights(lambda tensors: tensors.update({".".join("a" * 50): np.zeros(1)})), "a name of 50 parts"),
        (
            changed_weights(with_long_bias),
            r"block_0/down_bias' has the shape \(24,\), and config\.json asks for \(12,\)",
        ),
        (as_integers, r"dense\.bias is of the type int16, not of floating-point numbers"),
    ],
)
def test_what_does_not_fit_is_told_in_a_line(folder: Path, change: Callable[[Path], None], problem: str) -> None:
    change(folder)
    with pytest.raises(SettingsError, match=problem) as refused:
        encode(folder)
    assert str(folder) in str(refused.value) and len(str(refused.value)) < 600


def test_a_vocabulary_that_is_none_is_refused(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_bytes(b"[UNK]\n[SEP]\n\xff")
    with pytest.raises(SettingsError, match=r"vocab\.txt: this is damaged: it is not UTF-8 \(byte 12\)"):
        encode(folder)
    (folder / "vocab.txt").write_text("[UNK]\n[SEP]\n", "utf-8")
    with pytest.raises(SettingsError, match=r"vocab\.txt: this is damaged: there is no \[CLS\]"):
        encode(folder)


def test_an_index_of_weights_that_is_none_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    index = folder / "model.safetensors.index.json"
    for text, problem in (
        ("{}", "'weight_map': it is missing"),
        ('{"weight_map": {"a": 1}}', r"'weight_map\.a': it is 1, not a string"),
        ('{"weight_map": {"a": "../../etc/passwd"}}', "it names 'passwd', which is not a file of weights"),
        ('{"weight_map": {"a": "../../etc/a.bin", "b": "c.bin"}}', "it names 'a.bin' and 1 more, not in the folder"),
    ):
        index.write_text(text, "utf-8")
        with pytest.raises(SettingsError, match=problem):
            encode(folder)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("model.safetensors.incomplete", "'model.safetensors.incomplete': the download is not finished"),
        ("model.safetensors.part", "the download is not finished.*Download the model again"),
        ("encoder.safetensors", "but 'encoder.safetensors'.*rename the file to model.safetensors"),
        ("pytorch_model (1).bin", "rename the file to pytorch_model.bin"),
        ("flax_model.msgpack", "is a file of Flax.*from_flax=True"),
    ],
)
def test_weights_under_another_name_are_named(folder: Path, name: str, problem: str) -> None:
    (folder / "model.safetensors").rename(folder / name)
    with pytest.raises(SettingsError, match=problem):
        encode(folder)


def test_a_pointer_of_git_lfs_is_recognised(folder: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 90868376\n"
    (folder / "model.safetensors").write_text(pointer, "utf-8")
    with pytest.raises(SettingsError, match=r"model\.safetensors is a pointer of Git LFS.*'git lfs pull'"):
        encode(folder)


def test_a_folder_is_read_again_only_when_a_file_has_changed(tmp_path: Path) -> None:
    folder = tmp_path / "bert"
    shutil.copytree(GOLDEN / "bert", folder)
    first = huggingface.read_folder(folder)
    assert huggingface.read_folder(folder) is first
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary["[PAD]"], vocabulary["[MASK]"] = vocabulary["[MASK]"], vocabulary["[PAD]"]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    again = huggingface.read_folder(folder)
    assert again.tokenizer["model"]["vocab"] == vocabulary != first.tokenizer["model"]["vocab"]
