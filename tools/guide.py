"""Run the code of the guide, draw its charts and show what it prints.

    python tools/guide.py                  run every chapter in both languages; write the charts into
                                           docs/guide/charts, and what each block prints below it
    python tools/guide.py CHAPTER ...      these chapters, such as docs/guide/02-neuron.md

A chapter is a page. Its `python` blocks run from top to bottom in one namespace. Those with a title are checks of an
exercise; they run last, so a solution may follow its check. The Chinese twin has the same code, with its own texts (see
tools/twins.py); it runs too.
"""

import contextlib
import io
import math
import os
import re
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "guide"
CHARTS = GUIDE / "charts"
OUTPUT_TITLES = ("Output", "输出")
"""Title of the block that shows what the program above it prints: in English pages, in Chinese ones."""
_FENCE = re.compile(
    r"^```python([^\n]*)\n(.*?)^```\n"  # options, source
    rf'(?:\n```text title="(?:{"|".join(OUTPUT_TITLES)})"\n(.*?)^```\n)?',  # output
    re.MULTILINE | re.DOTALL,
)
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d*)?(?:e[-+]?\d+)?")
_BLANKS = re.compile(r"\s+")


class Block(NamedTuple):
    """A block of Python in a page.

    Attributes:
        line: Its first line in the page, counted from 1.
        source: The code.
        is_check: Whether it checks an exercise; it runs after the other blocks.
        output: What it prints, as the page shows it; empty: nothing.
    """

    line: int
    source: str
    is_check: bool
    output: str


def chapters() -> list[Path]:
    """The English pages of the guide that have code, in order."""
    return [page for page in sorted(GUIDE.glob("*.md")) if not is_chinese(page) and blocks(page)]


def is_chinese(page: Path) -> bool:
    """Whether a page is the Chinese one of two."""
    return page.name.endswith(".zh.md")


def blocks(page: Path) -> list[Block]:
    """The Python blocks of a page, from top to bottom."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(text.count("\n", 0, match.start(2)) + 1, match[2], 'title="' in match[1], match[3] or "")
        for match in _FENCE.finditer(text)
    ]


def run(page: Path) -> list[str]:
    """Run a page in the current folder, where its charts go. Errors name the page and the line.

    Returns:
        What each block prints, in the order of `blocks`.
    """
    names: dict[str, Any] = {"__name__": page.stem}
    in_page = blocks(page)
    printed = [""] * len(in_page)
    with _small_charts():
        for number, block in sorted(enumerate(in_page), key=lambda pair: pair[1].is_check):
            with contextlib.redirect_stdout(io.StringIO()) as stdout:
                exec(compile("\n" * (block.line - 1) + block.source, str(page), "exec"), names)
            printed[number] = stdout.getvalue()
    return printed


def same_output(shown: str, printed: str) -> bool:
    """Whether a page shows what its code prints: the same words, and the same numbers up to a tenth.

    Networks learn a little differently on each kind of processor. Tiny numbers are rounding errors: any are the same.
    """
    if _BLANKS.sub("", _NUMBER.sub("0", shown)) != _BLANKS.sub("", _NUMBER.sub("0", printed)):
        return False
    pairs = zip(_numbers(shown), _numbers(printed), strict=True)
    return all(math.isclose(one, other, rel_tol=0.1, abs_tol=0.1) for one, other in pairs)


def _numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in _NUMBER.findall(text)]


def show_output(page: Path, printed: list[str]) -> None:
    """Write below each block of a page what it prints."""
    text = page.read_text(encoding="utf-8")
    title = OUTPUT_TITLES[is_chinese(page)]
    in_page = list(_FENCE.finditer(text))
    for match, output in reversed(list(zip(in_page, printed, strict=True))):
        shown = f'\n```text title="{title}"\n{output.rstrip()}\n```\n' if output.strip() else ""
        program = f"```python{match[1]}\n{match[2]}```\n"
        text = text[: match.start()] + program + shown + text[match.end() :]
    page.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def _small_charts() -> Iterator[None]:
    """Make charts small and the same in every run: text stays text, and there is no date.

    Text in a chart needs no font here: the reader's browser draws it.
    """
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    import matplotlib

    matplotlib.use("svg")
    with matplotlib.rc_context(), warnings.catch_warnings():
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
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        yield


def main() -> None:
    """Run the chapters, write what they print into the pages, and print how long each takes."""
    pages = [Path(name).resolve() for name in sys.argv[1:]]
    pages = pages or [each for page in chapters() for each in (page, page.with_name(f"{page.stem}.zh.md"))]
    CHARTS.mkdir(exist_ok=True)
    os.chdir(CHARTS)
    for page in pages:
        started_at = time.perf_counter()
        show_output(page, run(page))
        print(f"{page.name}: {time.perf_counter() - started_at:.1f} s", flush=True)


if __name__ == "__main__":
    main()
