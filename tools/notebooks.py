"""Write the chapters of the guide as notebooks, in English and Chinese.

    python tools/notebooks.py [FOLDER]    write FOLDER/NAME.ipynb and FOLDER/NAME.zh.ipynb; FOLDER is `notebooks`

The pages of docs/guide are the source; the notebooks are not committed. A `python` block becomes a cell of code, the
output below it the output of that cell, and all other text becomes cells of Markdown. A check may fail until the reader
has written a solution, so its cell is marked `raises-exception`: "Run all" goes on. The cell of a solution is folded.
Standard library only.
"""

import json
import re
import sys
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


def main(arguments: list[str]) -> int:
    """Write all notebooks into a folder; returns the exit code."""
    folder = Path(arguments[0] if arguments else "notebooks")
    folder.mkdir(parents=True, exist_ok=True)
    for page in chapters():
        (folder / f"{page.stem}.ipynb").write_text(notebook(page.read_text(encoding="utf-8")), encoding="utf-8")
    print(folder)
    return 0


def chapters() -> list[Path]:
    """The pages of the guide that have code, in both languages."""
    return [page for page in sorted(GUIDE.glob("*.md")) if _CODE.search(page.read_text(encoding="utf-8"))]


def notebook(text: str) -> str:
    """A page of Markdown as a notebook of Jupyter (nbformat 4.5)."""
    cells: list[dict[str, Any]] = []
    position, in_solution = 0, False
    text = _STAMP.sub("", text)
    for match in _CODE.finditer(text):
        before = text[position : match.start()]
        in_solution = "<details" in before or (in_solution and "</details>" not in before)
        _add_markdown(cells, before)
        is_check = 'title="' in match[1]
        _add_code(cells, match[2], output=match[3] or "", is_check=is_check, is_solution=in_solution)
        position = match.end()
    _add_markdown(cells, text[position:])
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    document = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _add_markdown(cells: list[dict[str, Any]], text: str) -> None:
    """Add a cell of text. Links to other files become their words, since a notebook may lie anywhere."""
    text = _DETAILS.sub(lambda match: f"**{match[1]}**" if match[1] else "", text)
    text = _RELATIVE_LINK.sub(lambda match: "" if match[1] else match[2], text).strip()
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
