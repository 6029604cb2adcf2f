"""The check of words finds what the glossary replaces, and passes on the documentation as it is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORDS = ROOT / "tools" / "words.py"

OLD = {
    "One label a text.": "label a text",
    "The columns are found by themselves.": "found by themselves",
    "The search goes on.": "goes on",
    "Figures are in the table.": "Figures",
    "It is no file.": "is no file",
    "Use this in place of that.": "in place of",
    "Texts that it has not learned from.": "learned from",
}


def run(*paths: Path | str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, WORDS, *paths], capture_output=True, text=True)


def test_the_documentation_and_the_source_have_none_of_them() -> None:
    done = run()
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("sentence", OLD)
def test_a_word_is_found_with_its_line_and_what_to_use(tmp_path: Path, sentence: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n\n{sentence}\n", encoding="utf-8")
    done = run(page)
    assert done.returncode == 1
    assert re.match(rf"{re.escape(str(page))}:3: '{OLD[sentence]}'; use: \w+", done.stdout)


def test_code_and_standard_english_pass(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "The setting `in place of` is code, and so is this:\n\n```console\n$ tell of which it goes on\n```\n\n"
        "There is no file. It is no longer used. A text has one label per text. [A link](figures-that-goes-on.md).\n",
        encoding="utf-8",
    )
    done = run(page)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_name_is_found_where_it_is_defined(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        '"""Served."""\n\nimport a\n\n\nclass Served:\n    def f(self, crossed):\n        a.crossed = 1\n',
        encoding="utf-8",
    )
    lines = run(module).stdout.splitlines()
    assert lines[:-1] == [
        f"{module}:6: 'Served'; use: ServedModel",
        f"{module}:7: 'crossed'; use: cross_validation",
    ]


def test_strings_and_comments_of_the_source_are_checked_but_not_keys(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text('"""A module.\n\nIt goes on.\n"""\n\nX = 1  # in place of 2\nKEY = "figure"\n', encoding="utf-8")
    lines = run(module).stdout.splitlines()
    assert [line.partition(";")[0] for line in lines[:-1]] == [f"{module}:3: 'goes on'", f"{module}:6: 'in place of'"]


def test_help_in_a_page_is_checked(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```text\n  --resume  Go on with a run. The run goes on.\n```\n", encoding="utf-8")
    assert "page.md:2: 'Go on'" in run(page).stdout
