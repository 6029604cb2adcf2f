import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import numpy as safetensors

import tenor
from tenor import TextClassifier, bundle
from tenor.errors import BundleError
from tenor.tasks import Classes

TEXTS = ["good film", "fine film", "bad film", "poor film"] * 5
LABELS = ["很 好", "很 好", "bad one", "bad one"] * 5


@pytest.fixture(scope="module")
def model() -> TextClassifier:
    return TextClassifier().fit(TEXTS, LABELS)


@pytest.fixture
def folder(model: TextClassifier, tmp_path: Path) -> Path:
    model.save(tmp_path / "model")
    return tmp_path / "model"


def sign(folder: Path) -> None:
    """Make the manifest fit what is in the folder, as somebody would who wants it to load."""
    entries = {
        path.name: {"size": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in folder.iterdir()
        if path.name != "manifest.json"
    }
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "files": entries}))


def change(folder: Path, name: str, edit: Callable[[dict[str, Any]], Any]) -> None:
    values = json.loads((folder / name).read_text())
    edit(values)
    (folder / name).write_text(json.dumps(values))


def test_holds_the_files_of_the_format_and_all_their_hashes(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("manifest.json", "tenor.json", "encoder.json", "weights.safetensors", "metrics.json", "history.csv"),
    }
    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest["files"]) == names - {"manifest.json"}


def test_labels_with_blanks_and_chinese_characters_survive(model: TextClassifier, folder: Path) -> None:
    loaded = tenor.load(folder)
    assert loaded.classes_.tolist() == ["bad one", "很 好"]
    assert loaded.predict(TEXTS).tolist() == LABELS
    assert np.array_equal(loaded.predict_proba(TEXTS), model.predict_proba(TEXTS))


def test_a_loaded_model_can_be_saved_again(folder: Path, tmp_path: Path) -> None:
    tenor.load(folder).save(tmp_path / "again")
    assert (tmp_path / "again" / "weights.safetensors").read_bytes() == (folder / "weights.safetensors").read_bytes()


def test_an_existing_folder_is_kept_unless_overwritten(model: TextClassifier, folder: Path) -> None:
    with pytest.raises(
        BundleError,
        match=r"exists already\. Choose another folder \(--out\), or replace it \(--overwrite, in Python overwrite",
    ):
        model.save(folder)
    model.save(folder, overwrite=True)
    assert tenor.load(folder).predict(["good film"]).tolist() == ["很 好"]
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_folder_that_is_no_model_is_never_overwritten(model: TextClassifier, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BundleError, match="no saved model, so it is not overwritten"):
        model.save(tmp_path, overwrite=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"no saved model: there is no manifest\.json"):
        tenor.load(tmp_path)


@pytest.mark.parametrize("name", ["tenor.json", "encoder.json", "weights.safetensors", "metrics.json", "history.csv"])
def test_a_changed_byte_is_found(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(BundleError, match=f"{name} is not the file that was saved"):
        tenor.load(folder)


@pytest.mark.parametrize("name", ["tenor.json", "weights.safetensors"])
def test_a_truncated_file_is_found(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(BundleError, match=f"{name} is not the file that was saved"):
        tenor.load(folder)


def test_a_missing_file_is_found(folder: Path) -> None:
    (folder / "metrics.json").unlink()
    with pytest.raises(BundleError, match=r"metrics\.json is missing"):
        tenor.load(folder)


def test_an_extra_file_is_refused(folder: Path) -> None:
    (folder / "extra.py").write_text("raise SystemExit")
    with pytest.raises(BundleError, match=r"does not belong there: 'extra\.py'"):
        tenor.load(folder)


@pytest.mark.parametrize("name", [".DS_Store", "._tenor.json", "Thumbs.db", "desktop.ini"])
def test_what_a_desktop_puts_into_a_folder_is_ignored(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\0")
    assert tenor.load(folder).predict(TEXTS).tolist() == LABELS


@pytest.mark.parametrize("name", [".DS_Store2", "Thumbs.db.py", "thumbs.db", "x._y", ".hidden"])
def test_other_names_like_those_of_desktops_are_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\0")
    with pytest.raises(BundleError, match="does not belong there"):
        tenor.load(folder)


@pytest.mark.parametrize("name", ["Thumbs.db", "desktop.ini"])
def test_a_file_of_a_desktop_in_the_manifest_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\0")
    sign(folder)
    with pytest.raises(BundleError, match="no file of a saved model"):
        tenor.load(folder)


@pytest.mark.parametrize("name", ["../outside.json", "/etc/hostname", "sub/file", "..", ".hidden", "manifest.json"])
def test_a_path_in_the_manifest_is_refused(folder: Path, name: str) -> None:
    change(folder, "manifest.json", lambda manifest: manifest["files"].update({name: {"size": 0, "sha256": ""}}))
    with pytest.raises(BundleError, match="no file of a saved model"):
        tenor.load(folder)


def test_a_symbolic_link_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.move(folder / "metrics.json", tmp_path / "elsewhere.json")
    (folder / "metrics.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(BundleError, match=r"metrics\.json is not a plain file"):
        tenor.load(folder)


def test_a_pipe_is_refused(folder: Path) -> None:
    (folder / "metrics.json").unlink()
    os.mkfifo(folder / "metrics.json")
    with pytest.raises(BundleError, match=r"metrics\.json is not a plain file"):
        tenor.load(folder)


def test_a_huge_header_is_refused(folder: Path) -> None:
    data = (folder / "weights.safetensors").read_bytes()
    (folder / "weights.safetensors").write_bytes((1 << 62).to_bytes(8, "little") + data[8:])
    sign(folder)
    with pytest.raises(BundleError, match="a header of"):
        tenor.load(folder)


def test_deeply_nested_json_is_refused(folder: Path) -> None:
    (folder / "encoder.json").write_text("[" * 200_000)
    sign(folder)
    with pytest.raises(BundleError, match="do not fit together"):
        tenor.load(folder)


def test_a_newer_format_is_refused(folder: Path) -> None:
    change(folder, "manifest.json", lambda manifest: manifest.update(format=3))
    with pytest.raises(BundleError, match=r"newer Tenor \(format 3\)"):
        tenor.load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "files": {"a": 3}}', "[" * 100_000])
def test_a_manifest_that_is_none_is_refused(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match=r"manifest\.json cannot be read"):
        tenor.load(folder)


CHANGES: dict[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {
    "unknown family": ("tenor.json", lambda about: about.update(family="lstmm")),
    "labels twice": ("tenor.json", lambda about: about["task"].update(labels=["a", "a"])),
    "one label": ("tenor.json", lambda about: about["task"].update(labels=["a"])),
    "more labels": ("tenor.json", lambda about: about["task"].update(labels=["a", "b", "c"])),
    "labels no strings": ("tenor.json", lambda about: about["task"].update(labels=[1, 2])),
    "no labels": ("tenor.json", lambda about: about["task"].pop("labels")),
    "no task": ("tenor.json", lambda about: about.pop("task")),
    "a task that is none": ("tenor.json", lambda about: about.update(task=["binary"])),
    "another kind of task": ("tenor.json", lambda about: about["task"].update(kind="multilabel")),
    "unknown setting": ("tenor.json", lambda about: about["settings"].update(colour=1)),
    "setting of a wrong type": ("tenor.json", lambda about: about["settings"].update(iterations="many")),
    "other bits": ("encoder.json", lambda encoder: encoder.update(bits=62)),
    "other weighting": ("encoder.json", lambda encoder: encoder.update(weighting="none")),
    "orders missing": ("encoder.json", lambda encoder: encoder.pop("orders")),
    "orders out of range": ("encoder.json", lambda encoder: encoder.update(orders=[10**9])),
    "orders no numbers": ("encoder.json", lambda encoder: encoder.update(orders=["a"])),
}


@pytest.mark.parametrize("case", list(CHANGES))
def test_contents_that_do_not_fit_are_refused_even_when_signed(folder: Path, case: str) -> None:
    name, edit = CHANGES[case]
    change(folder, name, edit)
    sign(folder)
    with pytest.raises(BundleError, match="do not fit together"):
        tenor.load(folder)


@pytest.mark.parametrize("case", ["shape", "range", "type", "missing"])
def test_weights_that_do_not_fit_are_refused_even_when_signed(folder: Path, case: str) -> None:
    arrays = safetensors.load((folder / "weights.safetensors").read_bytes())
    if case == "shape":
        arrays["weights"] = arrays["weights"][:-1].copy()
    if case == "range":
        arrays["buckets"] = arrays["buckets"] + (1 << 30)
    if case == "type":
        arrays["buckets"] = arrays["buckets"].astype(np.float64)
    if case == "missing":
        del arrays["intercept"]
    (folder / "weights.safetensors").write_bytes(safetensors.save(arrays))
    sign(folder)
    with pytest.raises(BundleError, match="do not fit together"):
        tenor.load(folder)


def test_settings_errors_of_a_bundle_are_bundle_errors(folder: Path) -> None:
    change(folder, "tenor.json", lambda about: about["settings"].update(colour=1))
    sign(folder)
    with pytest.raises(BundleError, match="colour"):
        tenor.load(folder)


def test_a_model_of_format_1_is_read() -> None:
    model = tenor.load(Path(__file__).parent / "golden" / "format-1")
    assert model.bundle.task == Classes(("negative", "positive"))
    assert model.predict_proba(["a good story"])[0, 1] == pytest.approx(0.830572, abs=1e-6)


def test_a_file_that_is_none_of_the_models_is_not_overwritten(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(BundleError, match=r"there is a file that is none of the model's: 'notes\.txt'"):
        bundle.check_target(folder, overwrite=True)
    (folder / "notes.txt").rename(folder / ".DS_Store")
    bundle.check_target(folder, overwrite=True)
