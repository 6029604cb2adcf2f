"""The tree of the source is made from packages and docstrings."""

import runpy
from pathlib import Path

import pytest

TREE = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "tree.py"))


def package(folder: Path, docstring: str) -> Path:
    folder.mkdir()
    (folder / "__init__.py").write_text(f'"""{docstring}\n\nMore.\n"""\n', encoding="utf-8")
    return folder


def test_packages_and_modules_have_the_first_line_of_their_docstring(tmp_path: Path) -> None:
    source = package(tmp_path / "tool", "A tool.")
    package(package(source / "data", "Data.") / "io", "Formats.")
    (source / "errors.py").write_text('"""Errors."""\n', encoding="utf-8")
    (source / "_hidden.py").write_text("", encoding="utf-8")
    lines = [line.split() for line in TREE["tree"](source).splitlines()]
    assert lines[:4] == [["src/tool/", "A", "tool."], ["errors.py", "Errors."], ["data/", "Data."], ["io/", "Formats."]]


def test_a_package_without_docstring_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TREE["summary"].__globals__, "ROOT", tmp_path)
    source = package(tmp_path / "tool", "A tool.")
    (source / "errors.py").write_text("", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"^tool/errors.py: there is no docstring"):
        TREE["tree"](source)


def test_the_tree_is_replaced_between_its_marks() -> None:
    page = f"before\n{TREE['BEGIN']}\nold\n{TREE['END']}\nafter\n"
    updated = TREE["insert"](page, "new")
    assert "old" not in updated and "```text\nnew\n```" in updated
    assert updated.startswith("before\n") and updated.endswith("\nafter\n")
    with pytest.raises(SystemExit, match="has no place for the tree"):
        TREE["insert"]("a page", "new")
