"""The guide: its code runs in both languages, and its links to the source lead to what they name."""

import os
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide"
TOOL: dict[str, Any] = runpy.run_path(str(ROOT / "tools" / "guide.py"))
CHAPTERS: list[Path] = TOOL["chapters"]()
LESSONS = [page for page in CHAPTERS if page.name[0].isdigit()]  # the others are cases
PAGES = sorted(GUIDE.glob("*.md"))
# Chapters that load Keras, which takes seconds; `make test-docs` runs them.
WITH_KERAS = {"02-neuron", "03-losses", "04-gradient-descent", "05-backpropagation", "06-lstm", "07-attention"}
_SOURCE_LINK = re.compile(r"\[`(\w+)`\]\((\.\./\.\./src/[^)]+\.py)\)")


@pytest.fixture
def in_folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder as the current one, where charts are written; the settings of charts are restored."""
    import matplotlib

    before, here = os.environ.get("SOURCE_DATE_EPOCH"), Path.cwd()
    os.chdir(tmp_path)
    with matplotlib.rc_context():
        yield tmp_path
    matplotlib.pyplot.close("all")
    os.chdir(here)
    if before is None:
        os.environ.pop("SOURCE_DATE_EPOCH", None)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            each, id=each.stem, marks=[pytest.mark.docs] if each is not page or page.stem in WITH_KERAS else []
        )
        for page in CHAPTERS
        for each in (page, page.with_name(f"{page.stem}.zh.md"))
    ],
)
def test_the_code_of_a_chapter_prints_what_the_page_shows_and_draws_its_chart(page: Path, in_folder: Path) -> None:
    for block, printed in zip(TOOL["blocks"](page), TOOL["run"](page), strict=True):
        assert TOOL["same_output"](block.output, printed), f"{page.name}, line {block.line}, prints:\n{printed}"
    text = page.read_text(encoding="utf-8")
    drawn = {path.name for path in in_folder.glob("*.svg")}
    assert drawn == set(re.findall(r"\]\(charts/([\w.-]+\.svg)\)", text))
    assert drawn or page.name[0].isalpha()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_charts_exist_and_have_a_description(page: Path) -> None:
    for description, path in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        assert len(description) >= 20, "say what the chart shows"
        assert (GUIDE / path).stat().st_size < 120_000, "draw fewer points"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_the_source_lead_to_what_they_name(page: Path) -> None:
    for name, path in _SOURCE_LINK.findall(page.read_text(encoding="utf-8")):
        source = (GUIDE / path).read_text(encoding="utf-8")
        assert re.search(rf"^(def|class) {name}\b|^{name}(: \w+)? = ", source, re.MULTILINE), f"{path}: {name}"


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)
def test_every_chapter_has_its_parts(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    for part in ("The idea", "The formula", "The chart", "The same in Tenor", "Exercise"):
        assert part in headings
    assert any(heading.startswith("The program") for heading in headings)
    assert _SOURCE_LINK.search(text)
    assert [block.is_check for block in TOOL["blocks"](page)].count(True) == 1


def test_a_check_fails_without_a_solution(in_folder: Path) -> None:
    page = in_folder / "page.md"
    check = '```python title="Check"\nassert twice(2) == 4\n```\n'
    page.write_text(f"{check}\n```python\ndef twice(x):\n    return 2 * x\n```\n", encoding="utf-8")
    TOOL["run"](page)
    page.write_text(f"{check}\n```python\ndef twice(x):\n    return x\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError):
        TOOL["run"](page)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("accuracy 0.91\n", "accuracy 0.88\n", True),
        ("accuracy 0.91\n", "accuracy 0.71\n", False),
        ("1,200 weights\n", "1,250 weights\n", True),
        ("difference 7e-12\n", "difference 3e-11\n", True),
        ("inputs\n [1 0]\n", "inputs\n [1 0 0]\n", False),
        ("['positive']\n", "['negative']\n", False),
        ("", "a line\n", False),
    ],
)
def test_output_is_compared_by_its_words_and_its_numbers(shown: str, printed: str, same: bool) -> None:
    assert TOOL["same_output"](shown, printed) is same


def test_output_is_written_below_its_block_in_the_language_of_the_page(tmp_path: Path) -> None:
    program = "```python\nprint(1)\n```\n"
    page, twin = tmp_path / "page.md", tmp_path / "page.zh.md"
    page.write_text(f'{program}\n```text title="Output"\n2\n```\n\nText.\n', encoding="utf-8")
    twin.write_text(f"{program}\n文字。\n", encoding="utf-8")
    for each in (page, twin):
        TOOL["show_output"](each, ["1\n"])
    assert page.read_text(encoding="utf-8") == f'{program}\n```text title="Output"\n1\n```\n\nText.\n'
    assert twin.read_text(encoding="utf-8") == f'{program}\n```text title="输出"\n1\n```\n\n文字。\n'
    TOOL["show_output"](page, [""])
    assert page.read_text(encoding="utf-8") == f"{program}\nText.\n"
