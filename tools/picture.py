"""Draw the pictures of a terminal for the front pages: docs/terminal.svg and its Chinese twin.

    python tools/picture.py

It trains a small model on built-in reviews, in both languages, and draws what the commands really print. It needs Tenor
and takes a minute. The pictures load nothing: no font, no script.
"""

import html
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.cells import cell_len
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 92
COMMANDS = {
    "en": (
        "tenor train imdb --family ngram --out runs/reviews",
        'tenor explain runs/reviews "The plot is thin, but the acting is superb."',
        'tenor predict runs/reviews "Not bad, not great" --coverage 0.95',
    ),
    "zh": (
        "tenor train zh-reviews --family ngram --out runs/zh",
        'tenor explain runs/zh "房间很脏，早餐还不错，服务态度差"',
        'tenor predict runs/zh "一般般，没有想象中好" --coverage 0.95',
    ),
}
PICTURES = {"en": ROOT / "docs" / "terminal.svg", "zh": ROOT / "docs" / "terminal.zh.svg"}
_TEXT = re.compile(r'textLength="([0-9.]+)"([^>]*)>([^<]+)</text>')
_FONT_FACE = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)


def main() -> None:
    """Run the commands of each language, and draw what they print."""
    for language, commands in COMMANDS.items():
        with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True, color_system="truecolor")
            for command in commands:
                console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
                console.print(Text.from_ansi(output(command, language, Path(folder))), soft_wrap=False)
            svg = console.export_svg(title="Tenor", theme=MONOKAI, code_format=_FONT_FACE.sub("", CONSOLE_SVG_FORMAT))
            PICTURES[language].write_text(_TEXT.sub(_stretched, svg), encoding="utf-8")


def _stretched(match: re.Match[str]) -> str:
    """The same text over as many columns as it takes; Rich counts a Chinese character as one."""
    text = html.unescape(match[3])
    length = float(match[1]) / len(text) * cell_len(text)
    return f'textLength="{length:g}"{match[2]}>{match[3]}</text>'


def output(command: str, language: str, folder: Path) -> str:
    """What a command prints to standard output, in colours, with a blank line after it."""
    environment = os.environ | {"TENOR_LANG": language, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH)}
    arguments = [sys.executable, "-m", "tenor", *shlex.split(command)[1:]]
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=True)
    return done.stdout.rstrip("\n") + "\n"


if __name__ == "__main__":
    main()
