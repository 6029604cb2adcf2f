"""Downloads from hubs: a real server on this machine speaks their protocols, and misbehaves as hubs and networks do."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import _tree_cache, constants

from helpers import hub_server
from helpers.hub_server import Hub
from tenor.errors import SettingsError, TenorError
from tenor.models.pretrained import catalogue, hub, huggingface

GOLDEN = Path(__file__).parents[1] / "golden"
WEIGHTS = "model.safetensors"
NAMES = ["hf://some/bert", "modelscope://some/bert"]

NOWHERE = "http://127.0.0.1:9"


def lead_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What HF_ENDPOINT does when huggingface_hub is imported."""
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub, which both kinds of names lead to, and empty caches."""
    with hub_server.running() as running:
        lead_to(running.url, monkeypatch)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1_000)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
        monkeypatch.setattr(_tree_cache, "_IN_MEMORY_TREE_CACHE", {})
        monkeypatch.setattr("time.sleep", lambda _: None)
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", running.url)
        monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "modelscope"))
        yield running


def kept(tmp_path: Path) -> list[str]:
    """The names of the files of weights in the caches, complete or not."""
    roots = [tmp_path / "modelscope", *(tmp_path / "hf").glob("models--*/snapshots")]
    return sorted(path.name for root in roots for path in root.rglob("*model*") if path.is_file())


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_downloaded_once_and_works_offline_later(server: Hub, name: str) -> None:
    files = server.add("some/bert", GOLDEN / "bert")
    folder = hub.locate(name)
    assert (folder / WEIGHTS).read_bytes() == files[WEIGHTS]
    assert not (folder / "expected.json").exists()  # nothing but what an encoder needs
    assert huggingface.read_weights(huggingface.read_folder(folder)).keys()
    server.requests.clear()
    assert hub.locate(name) == folder
    assert server.requests == []


@pytest.mark.parametrize("name", NAMES)
def test_an_interrupted_file_continues_where_it_ended(server: Hub, name: str) -> None:
    files = server.add("some/bert", GOLDEN / "bert")
    server.cuts[WEIGHTS] = [5_000, 3_000]
    folder = hub.locate(name)
    assert (folder / WEIGHTS).read_bytes() == files[WEIGHTS]
    assert server.ranges(WEIGHTS) == [None, "bytes=5000-", "bytes=8000-"]


@pytest.mark.parametrize("name", NAMES)
def test_a_server_without_ranges_sends_the_file_again(server: Hub, name: str) -> None:
    files = server.add("some/bert", GOLDEN / "bert")
    server.cuts[WEIGHTS] = [5_000]
    server.ignores_ranges = True
    assert (hub.locate(name) / WEIGHTS).read_bytes() == files[WEIGHTS]


def test_a_later_run_continues_the_download_of_an_earlier_one(server: Hub, tmp_path: Path) -> None:
    files = server.add("some/bert", GOLDEN / "bert")
    server.cuts[WEIGHTS] = [5_000, *[0] * 5]
    with pytest.raises(TenorError, match=r"modelscope://some/bert: .* interrupted 5 times"):
        hub.locate(NAMES[1])
    assert kept(tmp_path) == [f"{WEIGHTS}.part"]
    server.requests.clear()
    assert (hub.locate(NAMES[1]) / WEIGHTS).read_bytes() == files[WEIGHTS]
    assert server.ranges(WEIGHTS) == ["bytes=5000-"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("file", [WEIGHTS, "tokenizer.json"])
def test_a_file_that_differs_from_its_checksum_is_not_kept(server: Hub, name: str, file: str, tmp_path: Path) -> None:
    server.add("some/bert", GOLDEN / "bert")
    server.corrupt.add(file)
    problem = rf"{name}: the download is damaged: {file} has another .*\. The damaged file was removed\. Run the same"
    with pytest.raises(TenorError, match=problem):
        hub.locate(name)
    assert file not in kept(tmp_path)
    server.corrupt.clear()
    assert (hub.locate(name) / file).read_bytes() == (GOLDEN / "bert" / file).read_bytes()


def test_a_connection_that_is_always_cut_leaves_nothing(server: Hub, tmp_path: Path) -> None:
    server.add("some/bert", GOLDEN / "bert")
    server.cuts[WEIGHTS] = [0] * 20
    with pytest.raises(TenorError, match=r"hf://some/bert: the model cannot be downloaded: .*name a mirror in HF_END"):
        hub.locate(NAMES[0])
    assert kept(tmp_path) == []
    assert list((tmp_path / "hf").rglob("*.incomplete")) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_model_that_is_not_there_is_named(server: Hub, name: str) -> None:
    with pytest.raises(SettingsError, match=rf"{name}: the hub has no such model, or it is private\. Check the name"):
        hub.locate(name)


@pytest.mark.parametrize(
    ("name", "remedy"), [(NAMES[0], "Set HF_TOKEN to a valid token"), (NAMES[1], "with the package modelscope")]
)
def test_a_model_that_needs_a_token_says_so(server: Hub, name: str, remedy: str) -> None:
    server.add("some/bert", GOLDEN / "bert")
    server.token = "secret"
    with pytest.raises(SettingsError, match=rf"{name}: the hub .*{remedy}"):
        hub.locate(name)


def test_a_token_opens_a_private_model(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    server.add("some/bert", GOLDEN / "bert")
    server.token = "secret"
    monkeypatch.setenv("HF_TOKEN", "secret")
    assert (hub.locate(NAMES[0]) / WEIGHTS).exists()


def test_a_gated_model_says_that_access_must_be_asked_for(server: Hub) -> None:
    server.add("some/bert", GOLDEN / "bert")
    server.gated.add("some/bert")
    with pytest.raises(SettingsError, match=r"hf://some/bert: the hub gives this model only to those who asked"):
        hub.locate(NAMES[0])


@pytest.mark.parametrize("name", NAMES)
def test_the_file_of_pytorch_is_taken_where_there_are_no_safetensors(server: Hub, name: str) -> None:
    files = server.add("some/bert", GOLDEN / "bert", "main", WEIGHTS)
    files["pytorch_model.bin"] = (GOLDEN / "torch" / "encoder.bin").read_bytes()
    folder = hub.locate(name)
    assert huggingface.read_weights(huggingface.read_folder(folder)).keys()
    assert not (folder / WEIGHTS).exists()


def test_safetensors_that_the_hub_converted_are_preferred(server: Hub) -> None:
    files = server.add("some/bert", GOLDEN / "bert", "main", WEIGHTS)
    files["pytorch_model.bin"] = (GOLDEN / "torch" / "encoder.bin").read_bytes()
    server.add("some/bert", GOLDEN / "bert", "refs/pr/3")
    request = {
        "title": "Adding `safetensors` variant of this model",
        "num": 3,
        "author": {"name": "SFconvertbot"},
        "createdAt": "2026-01-01T00:00:00.000Z",
        "status": "open",
        "repo": {"name": "some/bert", "type": "model"},
        "isPullRequest": True,
    }
    server.pull_requests["some/bert"] = [
        {**request, "num": 1, "author": {"name": "mallory"}},
        {**request, "num": 2, "status": "closed"},
        request,
    ]
    folder = hub.locate(NAMES[0])
    assert (folder / WEIGHTS).exists() and not (folder / "pytorch_model.bin").exists()
    server.requests.clear()
    assert hub.locate(NAMES[0]) == folder and server.requests == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("file", "framework"), [("tf_model.h5", "TensorFlow"), ("flax_model.msgpack", "Flax")])
def test_weights_of_other_frameworks_alone_are_not_downloaded(
    server: Hub, name: str, file: str, framework: str
) -> None:
    files = server.add("some/bert", GOLDEN / "bert", "main", WEIGHTS)
    files[file] = b"\x89HDF"
    with pytest.raises(SettingsError, match=rf"{name}: there is no .* {file} is a file of {framework}, which Tenor"):
        hub.locate(name)
    assert server.ranges(file) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("file", "problem"), [("config.json", r"has no config\.json"), ("tokenizer.json", "has no tokenizer of it")]
)
def test_a_repository_that_is_not_an_encoder_is_refused(server: Hub, name: str, file: str, problem: str) -> None:
    server.add("some/bert", GOLDEN / "bert", "main", file, "vocab.txt")
    with pytest.raises(SettingsError, match=problem):
        hub.locate(name)
    assert server.ranges(WEIGHTS) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_half_downloaded_copy_in_the_cache_is_completed(server: Hub, name: str) -> None:
    files = server.add("some/bert", GOLDEN / "bert")
    folder = hub.locate(name)
    (folder / WEIGHTS).resolve().unlink()
    (folder / WEIGHTS).unlink(missing_ok=True)
    assert (hub.locate(name) / WEIGHTS).read_bytes() == files[WEIGHTS]


def test_parts_of_weights_are_all_downloaded(server: Hub) -> None:
    files = server.add("some/bert", GOLDEN / "bert")
    data = files.pop(WEIGHTS)
    files["model-00001-of-00001.safetensors"] = data
    names = huggingface.read_weights(huggingface.read_folder(GOLDEN / "bert"))
    index = {"weight_map": dict.fromkeys(names, "model-00001-of-00001.safetensors")}
    files["model.safetensors.index.json"] = json.dumps(index).encode()
    for name in NAMES:
        folder = hub.locate(name)
        assert (folder / "model-00001-of-00001.safetensors").read_bytes() == data
        assert huggingface.read_weights(huggingface.read_folder(folder)).keys() == names.keys()


def test_names_of_files_do_not_lead_out_of_the_cache(server: Hub, tmp_path: Path) -> None:
    files = server.add("some/bert", GOLDEN / "bert")
    files["1_Pooling/../../../../../config.json"] = b"{}"
    hub.locate(NAMES[1])
    assert not (tmp_path / "config.json").exists()
    assert [path for _, path, _ in server.requests if ".." in path] == []


def test_a_copy_of_the_package_modelscope_is_used(server: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "modelscope" / "models" / "some" / "bert-v1___5"
    folder.parent.mkdir(parents=True)
    shutil.copytree(GOLDEN / "bert", folder)
    assert hub.locate("modelscope://some/bert-v1.5") == folder
    assert server.requests == []


def test_a_short_name_is_looked_for_on_both_hubs(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = catalogue.find("bge-small-zh")
    assert encoder is not None and hub.find_here(encoder) is None
    server.add(encoder.modelscope, GOLDEN / "bert")
    server.add(encoder.hugging_face, GOLDEN / "bert")
    lead_to(NOWHERE, monkeypatch)
    folder = hub.locate("bge-small-zh")
    assert "modelscope" in folder.parts
    assert hub.find_here(encoder) == folder
    lead_to(server.url, monkeypatch)
    shutil.rmtree(folder)
    assert "hf" in hub.locate("bge-small-zh").parts


def test_without_both_hubs_a_short_name_names_them(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(NOWHERE, monkeypatch)
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", NOWHERE)
    with pytest.raises(TenorError, match=r"hf://BAAI/bge-small-zh-v1\.5: .*, and ModelScope cannot be reached either"):
        hub.locate("bge-small-zh")


@pytest.mark.slow
def test_the_variables_of_mirrors_are_read_from_the_environment(server: Hub, tmp_path: Path) -> None:
    server.add("some/bert", GOLDEN / "bert")
    code = "import sys; from tenor.models.pretrained import hub; print(hub.locate(sys.argv[1]))"
    variables = {"HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", code, NAMES[0]]
    finished = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=True)
    assert Path(finished.stdout.strip()).is_relative_to(tmp_path / "home" / "hub")
