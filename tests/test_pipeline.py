from pathlib import Path

import pytest

from conftest import QUICK
from tenor import pipeline
from tenor.errors import BundleError
from tenor.pipeline import Run


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    """The folder of checkpoints that a killed run of `model` left behind."""
    folder = tmp_path / "model.training"
    folder.mkdir()
    for name in ("checkpoint.safetensors", ".checkpoint.safetensors.0a1b2c3d.part"):
        (folder / name).write_bytes(b"x")
    return folder


def test_the_checkpoints_are_removed_when_the_model_is_saved(unfinished: Path, english_csv: Path) -> None:
    pipeline.train(Run(str(english_csv), out=str(unfinished.with_name("model")), overwrite=True, settings=QUICK))
    assert [path.name for path in unfinished.parent.iterdir()] == ["model"]


def test_an_unfinished_run_is_refused_with_what_to_do_in_both_worlds(unfinished: Path, english_csv: Path) -> None:
    message = (
        r"unfinished run of this model\. Go on \(--resume, in Python resume=True\), or start afresh \(--overwrite, in"
    )
    with pytest.raises(BundleError, match=message):
        pipeline.train(Run(str(english_csv), out=str(unfinished.with_name("model")), settings=QUICK))


def test_what_else_is_in_the_folder_of_checkpoints_stays(unfinished: Path, english_csv: Path) -> None:
    (unfinished / "thesis.txt").write_text("years of work")
    (unfinished / "notes").mkdir()
    pipeline.train(Run(str(english_csv), out=str(unfinished.with_name("model")), overwrite=True, settings=QUICK))
    assert sorted(path.name for path in unfinished.iterdir()) == ["notes", "thesis.txt"]


def test_a_file_with_the_name_of_the_folder_of_checkpoints_stays(tmp_path: Path, english_csv: Path) -> None:
    (tmp_path / "model.training").write_text("mine")
    trained = pipeline.train(Run(str(english_csv), out=str(tmp_path / "model"), overwrite=True, settings=QUICK))
    assert (trained.folder / "manifest.json").is_file()
    assert (tmp_path / "model.training").read_text() == "mine"
