"""The notebooks of the guide: each has the code of its page, and runs from the first to the last cell."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TOOL = runpy.run_path(str(ROOT / "tools" / "notebooks.py"))
GUIDE_TOOL = runpy.run_path(str(ROOT / "tools" / "guide.py"))
CHAPTERS: list[Path] = TOOL["chapters"]()


def cells(page: Path) -> list[dict[str, Any]]:
    document = json.loads(TOOL["notebook"](page.read_text(encoding="utf-8")))
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    return list(document["cells"])


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.stem)
def test_a_notebook_has_the_code_and_the_output_of_its_page(page: Path) -> None:
    code = [cell for cell in cells(page) if cell["cell_type"] == "code"]
    blocks = GUIDE_TOOL["blocks"](page)
    assert ["".join(cell["source"]) for cell in code] == [block.source.rstrip("\n") for block in blocks]
    assert ["".join(line for each in cell["outputs"] for line in each["text"]) for cell in code] == [
        block.output for block in blocks
    ]


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.stem)
def test_its_text_has_no_parts_of_the_page_alone(page: Path) -> None:
    text = "\n".join("".join(cell["source"]) for cell in cells(page) if cell["cell_type"] == "markdown")
    assert text.startswith("# ")
    assert not [
        part
        for part in ("```python", "```text title", "<details", "<summary", "<!--", "](../", ".svg)")
        if part in text
    ]


def test_checks_may_fail_and_solutions_are_folded() -> None:
    chapter = next(page for page in CHAPTERS if page.stem == "02-neuron")
    code = [cell for cell in cells(chapter) if cell["cell_type"] == "code"]
    assert [cell["metadata"] for cell in code[-2:]] == [
        {"tags": ["raises-exception"]},
        {"jupyter": {"source_hidden": True}},
    ]
    assert all(cell["metadata"] == {} for cell in code[:-2])


def test_the_tool_writes_every_chapter_in_both_languages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert TOOL["main"]([str(tmp_path / "new")]) == 0
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert len(names) >= 24 and {"02-neuron.ipynb", "02-neuron.zh.ipynb"} <= set(names)
    assert capsys.readouterr().out == f"{tmp_path / 'new'}\n"
