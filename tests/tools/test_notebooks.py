"""The notebooks of the guide: each has the code of its page, and runs from the first to the last cell."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TOOL = runpy.run_path(str(ROOT / "tools" / "notebooks.py"))
GUIDE_TOOL = runpy.run_path(str(ROOT / "tools" / "guide.py"))
CHAPTERS: list[Path] = TOOL["chapters"]()
PROGRAM = """```python
import matplotlib.pyplot as plt

print(6 * 7)
figure, axes = plt.subplots()
axes.plot([0, 1])
figure.savefig("line.svg")
```
"""
CHECK = """```python title="Check"
assert twice(2) == 4
```
"""
SOLUTION = """<details markdown="1">
<summary>Solution</summary>

```python
def twice(x):
    return 2 * x
```

</details>
"""


def cells(page: Path) -> list[dict[str, Any]]:
    document = TOOL["notebook"](page.read_text(encoding="utf-8"))
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    return list(document["cells"])


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.stem)
def test_a_notebook_has_the_code_and_the_output_of_its_page(page: Path) -> None:
    code = [cell for cell in cells(page) if cell["cell_type"] == "code"]
    code = [cell for cell in code if "".join(cell["source"]) not in TOOL["ANSWERS"]]
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


def test_a_cell_for_the_solution_stands_before_the_check_in_the_language_of_the_page() -> None:
    for suffix, answer in (("", TOOL["ANSWERS"][0]), (".zh", TOOL["ANSWERS"][1])):
        page = next(page for page in CHAPTERS if page.name == f"02-neuron{suffix}.md")
        code = [cell for cell in cells(page) if cell["cell_type"] == "code"]
        assert "".join(code[-3]["source"]) == answer and "tags" in code[-2]["metadata"]


def test_checks_may_fail_and_solutions_are_folded() -> None:
    chapter = next(page for page in CHAPTERS if page.stem == "02-neuron")
    code = [cell for cell in cells(chapter) if cell["cell_type"] == "code"]
    assert [cell["metadata"] for cell in code[-2:]] == [
        {"tags": ["raises-exception"]},
        {"jupyter": {"source_hidden": True}},
    ]
    assert all(cell["metadata"] == {} for cell in code[:-2])


def test_the_description_of_a_chart_stays_in_the_text() -> None:
    chapter = next(page for page in CHAPTERS if page.stem == "03-losses")
    text = "\n".join("".join(cell["source"]) for cell in cells(chapter) if cell["cell_type"] == "markdown")
    assert "\n*Two losses over the margin of the true label" in text


@pytest.mark.docs
def test_a_notebook_runs_in_a_kernel_and_gets_its_results_and_the_description_of_its_chart() -> None:
    pytest.importorskip("nbclient")
    program = PROGRAM.replace("line.svg", "line.zh.svg")
    text = f"# 一页\n\n{program}\n![一条上升的直线](charts/line.zh.svg)\n\n{CHECK}\n{SOLUTION}"
    document = TOOL["notebook"](text)
    TOOL["add_results"](document, TOOL["run"](document), text)
    program, _, check, solution = (cell for cell in document["cells"] if cell["cell_type"] == "code")
    printed, chart = program["outputs"]
    assert printed["text"] == "42\n"
    assert chart["metadata"]["image/png"] == {"alt": "一条上升的直线"}
    assert [cell["outputs"] for cell in (check, solution)] == [[], []]
    assert [cell["execution_count"] for cell in (program, check, solution)] == [1, 3, 4]
    assert check["metadata"]["tags"] == ["raises-exception"]


@pytest.mark.docs
def test_a_check_that_its_solution_does_not_pass_ends_the_run() -> None:
    errors = pytest.importorskip("nbclient.exceptions")
    with pytest.raises(errors.CellExecutionError, match="AssertionError"):
        TOOL["run"](TOOL["notebook"](f"# Page\n\n{CHECK}\n{SOLUTION.replace('2 * x', 'x')}"))


@pytest.mark.docs
@pytest.mark.parametrize("page", [page for page in CHAPTERS if ".zh." not in page.name], ids=lambda page: page.stem)
def test_the_notebook_of_a_chapter_runs_in_a_kernel(page: Path) -> None:
    pytest.importorskip("nbclient")
    text = page.read_text(encoding="utf-8")
    document = TOOL["notebook"](text)
    TOOL["add_results"](document, TOOL["run"](document), text)
    outputs = [output for cell in document["cells"] for output in cell.get("outputs", [])]
    charts = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(charts) == len(re.findall(r"^!\[", text, re.MULTILINE))
    assert all(len(chart["metadata"]["image/png"]["alt"]) >= 20 for chart in charts)


def test_the_tool_writes_every_chapter_in_both_languages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert TOOL["main"]([str(tmp_path / "new")]) == 0
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert len(names) >= 24 and {"02-neuron.ipynb", "02-neuron.zh.ipynb"} <= set(names)
    assert capsys.readouterr().out == f"{tmp_path / 'new'}\n"
