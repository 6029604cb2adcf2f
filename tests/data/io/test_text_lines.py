from pathlib import Path
from typing import Any

import pytest

from helpers.tables import read, write
from tenor.data import dataset
from tenor.data.read_options import ReadOptions
from tenor.errors import DataError


@pytest.mark.parametrize(
    ("line", "text", "label"),
    [
        ("__label__pos a fine film", "a fine film", "pos"),
        ("__label__好评\t很 好，喜欢", "很 好，喜欢", "好评"),
        (" __label__pos  a  film ", "a  film ", "pos"),
        ("__label__a __label__b both", "both", ["a", "b"]),
        ("__label__pos", "", "pos"),
        ("no label here", "no label here", None),
        ("a __label__pos inside", "a __label__pos inside", None),
        ("__label__ no name", "no name", ""),
        ("__label__好\u3000评 一个词", "一个词", "好\u3000评"),
    ],
)
def test_labels_stand_in_front_of_the_text(tmp_path: Path, line: str, text: str, label: Any) -> None:
    result = read(write(tmp_path / "a.txt", f"\n__label__x first\r\n\n{line}\r\n"))
    assert result == {"text": ["first", text], "label": ["x", label]}


def test_the_first_line_that_is_not_blank_tells_the_form(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.txt.zst", "a film\n__label__x b\n")) == {"text": ["a film", "__label__x b"]}
    assert read(write(tmp_path / "b.txt.gz", "\n \n__label__x b\n")) == {"text": ["b"], "label": ["x"]}


def test_lines_without_a_label_are_told_and_none_is_dropped(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "__label__x a\n\nb\n__label__y c\n__label__ d\n")
    with pytest.raises(DataError, match=r"^a\.txt, row 2, column 'label': the label is empty \(2 such rows: 2, 4\)"):
        dataset.read(path)
    assert dataset.read(path, ReadOptions(drop_unlabelled=True)).texts == ["a", "c"]
