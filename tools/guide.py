"""Run the code of the guide and draw its charts.

    python tools/guide.py                  run every chapter; write the charts into docs/guide/charts
    python tools/guide.py CHAPTER ...      these chapters, such as docs/guide/02-neuron.md

A chapter is a page. Its `python` blocks run from top to bottom in one namespace. Those titled "Check" run last, so a
solution may follow its check. The blocks of the Chinese twin must be the same code, up to comments.
"""

import ast
import os
import re
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "guide"
CHARTS = GUIDE / "charts"
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block of Python in a page.

    Attributes:
        line: Its first line in the page, counted from 1.
        source: The code.
        is_check: Whether it runs after the other blocks.
    """

    line: int
    source: str
    is_check: bool


def chapters() -> list[Path]:
    """The English pages of the guide that have code, in order."""
    return [page for page in sorted(GUIDE.glob("*.md")) if not page.name.endswith(".zh.md") and blocks(page)]


def blocks(page: Path) -> list[Block]:
    """The Python blocks of a page, in the order in which they run."""
    text = page.read_text(encoding="utf-8")
    result = [
        Block(text.count("\n", 0, match.start(3)) + 1, match[3], 'title="' in match[2])
        for match in _FENCE.finditer(text)
        if match[1] == "python"
    ]
    return sorted(result, key=lambda block: block.is_check)


def run(page: Path) -> dict[str, Any]:
    """Run a page in the current folder, where its charts go. Errors name the page and the line.

    Returns:
        The names that its code defines.
    """
    names: dict[str, Any] = {"__name__": page.stem}
    _set_up_charts()
    for block in blocks(page):
        exec(compile("\n" * (block.line - 1) + block.source, str(page), "exec"), names)
    return names


def same_code(one: Path, other: Path) -> bool:
    """Whether two pages have the same code, up to comments."""
    first, second = (
        [(block.is_check, ast.dump(ast.parse(block.source))) for block in blocks(page)] for page in (one, other)
    )
    return first == second


def _set_up_charts() -> None:
    """Make charts small and the same in every run: text stays text, and there is no date."""
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "tenor",
            "figure.figsize": (6.4, 3.2),
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )


def main() -> None:
    """Run the chapters and print how long each takes."""
    pages = [Path(name).resolve() for name in sys.argv[1:]] or chapters()
    CHARTS.mkdir(exist_ok=True)
    os.chdir(CHARTS)
    for page in pages:
        started_at = time.perf_counter()
        run(page)
        print(f"{page.name}: {time.perf_counter() - started_at:.1f} s", flush=True)


if __name__ == "__main__":
    main()
