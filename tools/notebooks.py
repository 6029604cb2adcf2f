"""Write the chapters of the guide as notebooks, in English and Chinese.

    python tools/notebooks.py [FOLDER]          write FOLDER/NAME.ipynb and FOLDER/NAME.zh.ipynb; FOLDER is `notebooks`
    python tools/notebooks.py --run [FOLDER]    the same with results and charts; needs Tenor, nbclient and ipykernel

The pages of docs/guide are the source; the notebooks are not committed. A `python` block becomes a cell of code, the
output below it the output of that cell, and all other text becomes cells of Markdown. Before a check stands a cell for
the reader's solution. Until there is one, the check fails, so its cell is marked `raises-exception`: "Run all" goes on.
The cell of the solution is folded.
Without `--run`, standard library only.
"""

import json
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "guide"
_CODE = re.compile(
    r"^```python([^\n]*)\n(.*?)^```\n?"  # options, source
    r'(?:\n```text title="(?:Output|输出)"\n(.*?)^```\n?)?',  # output
    re.MULTILINE | re.DOTALL,
)
# HTML around a solution, which would span several cells.
_DETAILS = re.compile(r"^</?details[^>]*>\n?|^<summary>(.*?)</summary>$", re.MULTILINE)
_STAMP = re.compile(r"\n*<!-- English text: \w+ -->\s*\Z")
_RELATIVE_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)[^)]*\)")
_CHART = re.compile(r"!\[([^\]]*)\]\(charts/([\w.-]+\.svg)\)")
_SAVED = re.compile(r"\.savefig\(\"([^\"]+)\"")
MOST_SECONDS = 120  # that a cell may take
ANSWERS = (
    "# Write your solution here.",
    "# 在这里写出你的答案。",
)  # in English and in Chinese: the cell before a check


def main(arguments: list[str]) -> int:
    """Write all notebooks into a folder; returns the exit code."""
    names = [argument for argument in arguments if argument != "--run"]
    folder = Path(names[0] if names else "notebooks")
    write(folder, is_run="--run" in arguments)
    print(folder)
    return 0


def write(folder: Path, is_run: bool) -> None:
    """Write all notebooks into a folder, with results if `is_run`."""
    folder.mkdir(parents=True, exist_ok=True)
    for page in chapters():
        text = page.read_text(encoding="utf-8")
        document = notebook(text)
        if is_run:
            started_at = time.perf_counter()
            add_results(document, run(document), text)
            print(f"{page.stem}: {time.perf_counter() - started_at:.1f} s", file=sys.stderr, flush=True)
        written = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
        (folder / page.with_suffix(".ipynb").name).write_text(written, encoding="utf-8")


def run(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Run a notebook in a kernel of Jupyter, in an empty folder. Checks run last, after the solutions.

    Returns:
        The cells of code with their outputs, in their order in the notebook.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell fails, a check included.
        nbclient.exceptions.CellTimeoutError: A cell takes more than two minutes.
    """
    import nbformat
    from nbclient import NotebookClient

    node = nbformat.reads(json.dumps(document), as_version=4)  # type: ignore[no-untyped-call]
    cells = [(index, cell) for index, cell in enumerate(node.cells) if cell.cell_type == "code"]
    # Without its tag, a check that fails ends the run.
    checks = [index for index, cell in cells if cell.metadata.pop("tags", None)]
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(node, timeout=MOST_SECONDS, resources={"metadata": {"path": folder}})
        with client.setup_kernel():
            for index, cell in sorted(cells, key=lambda each: each[0] in checks):
                client.execute_cell(cell, index)
    return [cell for _, cell in cells]


def add_results(document: dict[str, Any], results: list[dict[str, Any]], text: str) -> None:
    """Add the outputs of a run to a notebook. A chart gets its description in the page as alternative text.

    Args:
        document: a notebook, which is changed.
        results: the cells of code from `run`.
        text: the page of the notebook.
    """
    descriptions = {name: description for description, name in _CHART.findall(text)}
    cells = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    for number, (cell, result) in enumerate(zip(cells, results, strict=True), start=1):
        printed = [output for output in result["outputs"] if output.get("name") != "stderr"]  # names paths of a machine
        cell["outputs"] = json.loads(json.dumps(printed))
        cell["execution_count"] = number
        chart = _SAVED.search("".join(cell["source"]))
        for output in cell["outputs"]:
            if "execution_count" in output:
                output["execution_count"] = number
            if chart and "image/png" in output.get("data", {}):
                output["metadata"]["image/png"] = {"alt": descriptions[chart[1]]}


def chapters() -> list[Path]:
    """The pages of the guide that have code, in both languages."""
    return [page for page in sorted(GUIDE.glob("*.md")) if _CODE.search(page.read_text(encoding="utf-8"))]


def notebook(text: str) -> dict[str, Any]:
    """A page of Markdown as a notebook of Jupyter (nbformat 4.5)."""
    cells: list[dict[str, Any]] = []
    position, in_solution = 0, False
    text = _STAMP.sub("", text)
    for match in _CODE.finditer(text):
        before = text[position : match.start()]
        in_solution = "<details" in before or (in_solution and "</details>" not in before)
        _add_markdown(cells, before)
        is_check = 'title="' in match[1]
        if is_check:
            _add_code(cells, ANSWERS["检查" in match[1]], output="", is_check=False, is_solution=False)
        _add_code(cells, match[2], output=match[3] or "", is_check=is_check, is_solution=in_solution)
        position = match.end()
    _add_markdown(cells, text[position:])
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _add_markdown(cells: list[dict[str, Any]], text: str) -> None:
    """Add a cell of text. Links to other files become their words, since a notebook may lie anywhere.

    The description of a chart stays, in italics; the chart itself is the output of the cell before.
    """
    text = _DETAILS.sub(lambda match: f"**{match[1]}**" if match[1] else "", text)
    text = _RELATIVE_LINK.sub(lambda match: f"*{match[2]}*" if match[1] else match[2], text).strip()
    if text:
        cells.append({"cell_type": "markdown", "id": f"cell-{len(cells)}", "metadata": {}, "source": _lines(text)})


def _add_code(cells: list[dict[str, Any]], source: str, output: str, is_check: bool, is_solution: bool) -> None:
    metadata: dict[str, Any] = {"tags": ["raises-exception"]} if is_check else {}
    if is_solution:
        metadata["jupyter"] = {"source_hidden": True}
    cell = {"cell_type": "code", "id": f"cell-{len(cells)}", "metadata": metadata}
    stream = {"output_type": "stream", "name": "stdout", "text": _lines(output)}
    outputs = [stream] if output else []
    cells.append({**cell, "execution_count": None, "outputs": outputs, "source": _lines(source.rstrip("\n"))})


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
