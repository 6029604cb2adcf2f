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
from helpers.folders import change, sign
from tenor import TextClassifier
from tenor.data.fields import Field, Fields
from tenor.errors import BundleError
from tenor.inference import bundle
from tenor.tasks import SingleLabel

TEXTS = ["good film", "fine film", "bad film", "poor film"] * 5
LABELS = ["很 好", "很 好", "bad one", "bad one"] * 5


@pytest.fixture(scope="module")
def model() -> TextClassifier:
    return TextClassifier().fit(TEXTS, LABELS)


@pytest.fixture
def folder(model: TextClassifier, tmp_path: Path) -> Path:
    model.save(tmp_path / "model")
    return tmp_path / "model"


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
        match=r"exists already\. Choose another folder \(`out=\.\.\.`\), or replace it \(`overwrite=True",
    ):
        model.save(folder)
    model.save(folder, overwrite=True)
    assert tenor.load(folder).predict(["good film"]).tolist() == ["很 好"]
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_model_whose_replacement_was_killed_halfway_is_found(model: TextClassifier, folder: Path) -> None:
    version = bundle.version(folder)
    folder.rename(folder.with_name(".model.0123abcd.old"))
    assert tenor.load(folder).predict(["good film"]).tolist() == ["很 好"]
    assert (bundle.version(folder), bundle.has_onnx_graph(folder)) == (version, False)
    with pytest.raises(BundleError, match="exists already"):
        model.save(folder)
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
    assert bundle.version(folder) == version


def test_a_folder_that_is_no_model_is_never_overwritten(model: TextClassifier, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BundleError, match="not a saved model, so it is not overwritten"):
        model.save(tmp_path, overwrite=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"not a saved model: there is no manifest\.json"):
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
    with pytest.raises(BundleError, match="not a file of a saved model"):
        tenor.load(folder)


@pytest.mark.parametrize(
    "name",
    ["model.py", "0.other.onnx", "../outside.json", "/etc/hostname", "sub/file", "..", ".hidden", "manifest.json"],
)
def test_a_path_in_the_manifest_is_refused(folder: Path, name: str) -> None:
    change(folder, "manifest.json", lambda manifest: manifest["files"].update({name: {"size": 0, "sha256": ""}}))
    with pytest.raises(BundleError, match="not a file of a saved model"):
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


def test_the_version_of_a_pipe_or_a_device_is_that_of_no_model(folder: Path) -> None:
    assert len(bundle.version(folder)) == 12
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")
    assert bundle.version(folder) == ""
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").symlink_to("/dev/zero")
    assert bundle.version(folder) == ""


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
    change(folder, "manifest.json", lambda manifest: manifest.update(format=bundle.FORMAT + 1))
    with pytest.raises(BundleError, match=r"newer Tenor \(format 5\)"):
        tenor.load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "files": {"a": 3}}', "[" * 100_000])
def test_a_manifest_that_is_none_is_refused(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match=r"manifest\.json cannot be read"):
        tenor.load(folder)


FIELDS = Fields((Field("title"), Field("body"), Field("price", "number")))


@pytest.fixture
def folder_with_fields(tmp_path: Path) -> Path:
    rows = [
        {"title": f"a {word} film", "body": f"number {at}", "price": at} for at, word in enumerate(["good", "bad"] * 8)
    ]
    settings = {"word_ngrams": [1], "char_ngrams": [], "weighting": "tf-idf", "C": 1.0, "calibrated": False}
    settings |= {"field_buckets": "shared", "feature_scale": 1.0}
    model = TextClassifier("ngram", settings, text=["title", "body"], features="price")
    model.fit(rows, ["pos", "neg"] * 8)
    model.save(tmp_path / "fields")
    return tmp_path / "fields"


def test_a_model_of_several_columns_names_them_and_has_a_newer_format(folder: Path, folder_with_fields: Path) -> None:
    assert tenor.load(folder_with_fields).fields == FIELDS
    assert json.loads((folder_with_fields / "manifest.json").read_text())["format"] == bundle.FORMAT
    assert tenor.load(folder).fields.is_single_text
    assert "fields" not in json.loads((folder / "tenor.json").read_text())
    assert json.loads((folder / "manifest.json").read_text())["format"] < bundle.FORMAT


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda fields: fields.update(columns=fields["columns"][:1]), "there must be more than one column"),
        (lambda fields: fields["columns"].reverse(), "the text fields must come first"),
        (lambda fields: fields["columns"][0].update(kind="picture"), "'picture' is not known"),
        (lambda fields: fields["columns"][0].update(name="body"), "a name occurs twice"),
        (lambda fields: fields.update(is_pair=1), "true or false"),
        (lambda fields: fields.pop("columns"), "it is missing"),
        (lambda fields: fields["columns"][0].update(decimal=","), "only a number has a decimal mark"),
        (lambda fields: fields["columns"].insert(0, fields["columns"].pop(1)), r"they are not those of encoder\.json"),
        (lambda fields: fields["columns"][2].update(kind="date"), r"they are not those of encoder\.json"),
        (lambda fields: fields["columns"].pop(), r"they are not those of encoder\.json"),
    ],
)
def test_columns_that_cannot_be_are_refused_even_when_signed(
    folder_with_fields: Path, edit: Callable[[Any], Any], problem: str
) -> None:
    change(folder_with_fields, "tenor.json", lambda metadata: edit(metadata["fields"]))
    sign(folder_with_fields)
    with pytest.raises(BundleError, match=problem):
        tenor.load(folder_with_fields)


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
    "a thousand orders": ("encoder.json", lambda encoder: encoder.update(orders=[1] * 1_000)),
    "half a character": ("tenor.json", lambda about: about["task"].update(labels=["a", "\ud800"])),
    "infinite slope": ("tenor.json", lambda about: about["calibration"].update(slope=float("inf"))),
    "a number too large": ("tenor.json", lambda about: about["calibration"].update(slope=10**400)),
    "a column that is no name": ("tenor.json", lambda about: about.update(text_column=[1])),
    "nothing measured": ("metrics.json", lambda metrics: metrics.update(test=float("nan"))),
}


@pytest.mark.parametrize("case", list(CHANGES))
def test_contents_that_do_not_fit_are_refused_even_when_signed(folder: Path, case: str) -> None:
    name, edit = CHANGES[case]
    change(folder, name, edit)
    sign(folder)
    with pytest.raises(BundleError, match="do not fit together"):
        tenor.load(folder)


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        ("shape", r"field 'weights': it has the shape"),
        ("range", r"field 'buckets': one is out of range"),
        ("type", r"field 'buckets\.dtype': 'float64' is not known"),
        ("missing", r"field 'intercept': it is missing"),
        ("finite", r"field 'weights': it has values that are not finite"),
        ("overflow", r"a logit of a text is not finite"),
        ("other", r"field 'more': there are no such weights"),
    ],
)
def test_weights_that_do_not_fit_are_refused_even_when_signed(folder: Path, case: str, problem: str) -> None:
    arrays = safetensors.load((folder / "weights.safetensors").read_bytes())
    if case == "shape":
        arrays["weights"] = arrays["weights"][:-1].copy()
    if case == "range":
        arrays["buckets"] = arrays["buckets"] + (1 << 30)
    if case == "type":
        arrays["buckets"] = arrays["buckets"].astype(np.float64)
    if case == "missing":
        del arrays["intercept"]
    if case == "finite":
        arrays["weights"][3] = np.nan
    if case == "overflow":
        arrays["intercept"][0] = 3e38
    if case == "other":
        arrays["more"] = arrays["intercept"]
    (folder / "weights.safetensors").write_bytes(safetensors.save(arrays))
    sign(folder)
    with pytest.raises(BundleError, match=rf"do not fit together: weights\.safetensors[,:] {problem}"):
        tenor.load(folder)


def test_a_file_of_40_gigabytes_is_refused_without_being_read(folder: Path) -> None:
    with (folder / "weights.safetensors").open("wb") as stream:
        stream.truncate(40 << 30)
    with pytest.raises(
        BundleError, match=r"weights\.safetensors is not the file that was saved: it has 42,949,672,960"
    ):
        tenor.load(folder)
    entry = {"size": 40 << 30, "sha256": "0" * 64}
    change(folder, "manifest.json", lambda manifest: manifest["files"].update({"weights.safetensors": entry}))
    with pytest.raises(BundleError, match=r"its files have 42,949,\d+,\d+ bytes, and 34,359,738,368 are allowed"):
        tenor.load(folder)
    with (folder / "weights.safetensors").open("wb") as stream:
        stream.truncate(20 << 30)
    entry["size"] = 20 << 30
    change(folder, "manifest.json", lambda manifest: manifest["files"].update({"weights.safetensors": entry}))
    with pytest.raises(BundleError, match=r"weights\.safetensors is 21,474,836,480 bytes long, and 17,179,869,184 are"):
        tenor.load(folder)


def test_a_device_is_refused(folder: Path) -> None:
    (folder / "metrics.json").unlink()
    (folder / "metrics.json").symlink_to("/dev/zero")
    with pytest.raises(BundleError, match=r"metrics\.json is not a plain file"):
        tenor.load(folder)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (
            "a,b\n1,2\n" + "x" * 200_000 + ",2\n",
            "row 2': (field larger|a field is longer) than",
        ),
        ("a,b\n1,2,3\n", "row 1': it has 3 fields, and there are 2"),
        ("a,a\n1,2\n", "a column occurs twice"),
        ('a,b\n1,"2\n', "row 1': unexpected end of data"),
        ("a,b\n1,2\n\xff\xfe,\udcff\n", "it is not UTF-8"),
    ],
)
def test_a_history_that_is_no_table_is_refused(folder: Path, table: str, problem: str) -> None:
    (folder / "history.csv").write_bytes(table.encode("utf-8", "surrogateescape"))
    sign(folder)
    with pytest.raises(BundleError, match=rf"do not fit together: history\.csv[:,] .*{problem}"):
        tenor.load(folder)


def test_an_error_is_one_short_line_whatever_the_file_holds(folder: Path) -> None:
    change(folder, "tenor.json", lambda about: about["settings"].update({"x\n\x1b[2J" * 10_000: 1}))
    sign(folder)
    with pytest.raises(BundleError, match="there is no setting") as refused:
        tenor.load(folder)
    assert len(str(refused.value)) < 600 and "\x1b" not in str(refused.value) and "\n" not in str(refused.value)


def test_a_page_of_a_model_folder_is_kept_and_shown_nowhere(folder: Path, tmp_path: Path) -> None:
    (folder / "README.md").write_text("<script>alert(1)</script>")
    sign(folder)
    result = tenor.load(folder)
    assert result.bundle.documents == {"README.md": b"<script>alert(1)</script>"}
    result.save(tmp_path / "again")
    assert (tmp_path / "again" / "README.md").read_text() == "<script>alert(1)</script>"
    from fastapi.testclient import TestClient

    from tenor.serving import app

    with TestClient(app.create_app([folder], app.ServerOptions(reload_interval_s=0), lambda _: None)) as server:
        assert all("alert(1)" not in server.get(path).text for path in ("/", "/models", "/page.js", "/openapi.json"))


GOLDEN = Path(__file__).parents[1] / "golden" / "format-2"
MODELS = sorted(each.name for each in GOLDEN.iterdir() if each.name != "encoder")


@pytest.mark.parametrize("name", MODELS)
def test_every_model_of_format_2_is_read(name: str) -> None:
    model = tenor.load(GOLDEN / name)
    logits = model.raw_logits(["a good film, good indeed", ""])
    assert logits.shape == (2, model.bundle.task.n_outputs)
    assert np.isfinite(logits).all()


def test_an_encoder_of_format_2_is_read() -> None:
    assert bundle.load_encoder(GOLDEN / "encoder").family.name == "transformer"


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / "lstm", tmp_path / "lstm"))


@pytest.mark.parametrize("graph", [True, False])
def test_settings_of_a_billion_units_are_refused_before_a_network_is_built(network: Path, graph: bool) -> None:
    change(network, "tenor.json", lambda about: about["settings"].update(units=10**9))
    if not graph:  # then Keras would build it
        (network / "model.onnx").unlink()
    sign(network)
    with pytest.raises(BundleError, match=r"'lstm/lstm_cell/kernel': it has the shape \(4, 16\), and the settings ask"):
        tenor.load(network)


def test_ids_that_the_network_has_no_vectors_for_are_refused(network: Path) -> None:
    change(network, "encoder.json", lambda encoder: encoder["tokens"].extend(f"word{index}" for index in range(100)))
    sign(network)
    with pytest.raises(BundleError, match=r"encoder\.json: it has ids up to \d+, and the network 60 of them"):
        tenor.load(network)


def test_graphs_that_are_not_the_models_are_refused(folder: Path, network: Path) -> None:
    shutil.copy(network / "model.onnx", folder / "model.onnx")
    sign(folder)
    with pytest.raises(
        BundleError, match=r"there is a graph model\.onnx, which a model of the family 'ngram' has none of"
    ):
        tenor.load(folder)
    (network / "model.onnx").rename(network / "model.int8.onnx")
    sign(network)
    with pytest.raises(BundleError, match=r"there is model\.int8\.onnx, and no model\.onnx"):
        tenor.load(network)


def test_an_encoder_of_tenor_is_checked_when_it_is_loaded(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(GOLDEN / "encoder", tmp_path / "encoder"))
    change(folder, "encoder.json", lambda encoder: encoder.update(tokens=[1, 2]))
    sign(folder)
    with pytest.raises(BundleError, match=r"encoder\.json, field 'tokens\[0\]': it is 1, not a string"):
        bundle.load_encoder(folder)
    change(folder, "tenor.json", lambda about: about.update(family="ngram", settings={}))
    sign(folder)
    with pytest.raises(BundleError, match="the family 'ngram' has no encoder"):
        bundle.load_encoder(folder)


def test_a_member_of_a_blend_is_named(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(GOLDEN / "blend", tmp_path / "blend"))
    change(folder, "encoder.json", lambda encoder: encoder["members"][0]["encoder"].update(bits=1))
    sign(folder)
    with pytest.raises(BundleError, match=r"encoder\.json, field 'members\[0\]\.encoder\.bits': it is 1"):
        tenor.load(folder)


def test_a_fault_of_ours_is_not_told_as_damage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: object) -> object:
        raise TypeError("a fault of ours")

    monkeypatch.setattr("tenor.tasks.from_dict", faulty)
    with pytest.raises(TypeError, match="a fault of ours"):
        tenor.load(folder)


def test_settings_errors_of_a_bundle_are_bundle_errors(folder: Path) -> None:
    change(folder, "tenor.json", lambda about: about["settings"].update(colour=1))
    sign(folder)
    with pytest.raises(BundleError, match="colour"):
        tenor.load(folder)


def test_a_model_of_format_1_is_read() -> None:
    model = tenor.load(Path(__file__).parents[1] / "golden" / "format-1")
    assert model.bundle.task == SingleLabel(("negative", "positive"))
    assert model.predict_proba(["a good story"])[0, 1] == pytest.approx(0.830572, abs=1e-6)


def test_a_file_that_is_none_of_the_models_is_not_overwritten(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(BundleError, match=r"this file does not belong to the model: 'notes\.txt'"):
        bundle.check_target(folder, overwrite=True)
    (folder / "notes.txt").rename(folder / ".DS_Store")
    bundle.check_target(folder, overwrite=True)


def test_models_of_several_fields_of_format_4_predict_as_before() -> None:
    folder = Path(__file__).parents[1] / "golden" / "format-4"
    rows = [
        {"title": "a good film", "body": "we saw it 3 times", "price": 1.5, "country": "de", "day": "2024-03-05"},
        {"title": "a dull film", "body": "", "price": None, "country": None, "day": None},
    ]
    model = tenor.load(folder / "fields")
    assert [each.kind for each in model.fields.columns] == ["text", "text", "number", "category", "date"]
    expected = [[0.02560305, 0.97439694], [0.9952473, 0.00475268]]
    assert model.predict_proba(rows).tolist() == [pytest.approx(row, abs=1e-6) for row in expected]
    pairs = [
        {"question1": "a good film", "question2": "a good film"},
        {"question1": "a dull film", "question2": "a fine film"},
    ]
    model = tenor.load(folder / "pair")
    assert model.fields.is_pair
    expected = [[0.316201, 0.683799], [0.92839575, 0.07160427]]
    assert model.predict_proba(pairs).tolist() == [pytest.approx(row, abs=1e-6) for row in expected]
