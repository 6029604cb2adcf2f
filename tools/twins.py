"""Compare the English pages with their Chinese twins: `page.md` and `page.zh.md` in the same folder.

    python3 tools/twins.py                  list what is missing or out of date; exit with 1 if there is anything
    python3 tools/twins.py --stamp PAGE...  record that the Chinese twin says what the English page says now

The last line of a Chinese page names the English text that it was written from:

    <!-- English text: 0123456789ab -->

It is the start of the SHA-256 of the English page. After a change of an English page, change its twin and stamp it.
Both pages must have the same headings, by level, and the same kinds of code blocks. Their Python is the same up to
comments, the text in strings, and the font for Chinese characters in charts. Their shell commands have the same
programs and options; texts, files and labels may be Chinese. Standard library only.
"""

import ast
import hashlib
import re
import shlex
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("docs", "src/tenor/help/topics")
# Pages that have no Chinese twin yet, relative to the root. Remove a page from the list when its twin is there.
WAITING: frozenset[str] = frozenset({"docs/contributing/glossary.md"})  # it is about English words
_STAMP = re.compile(r"\n*<!-- English text: (\w+) -->\s*\Z")
_FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)  # kind, code
_CHINESE_FONT = "plt.rcParams['font.sans-serif']"
"""What a Chinese program sets and an English one does not: matplotlib's own font has no Chinese characters."""
_OPERATORS = set("|;&()<>")


def main(arguments: list[str]) -> int:
    """List the problems, or stamp the twins of the English pages that are named; returns the exit code."""
    if arguments[:1] == ["--stamp"]:
        for name in arguments[1:]:
            stamp(Path(name))
        return 0
    problems = list(check(ROOT, WAITING))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def pages(root: Path) -> Iterator[Path]:
    """The English pages that have a twin: the front page, all of `docs/` and the topics of `tenor help`."""
    yield root / "README.md"
    for folder in FOLDERS:
        yield from sorted(path for path in (root / folder).rglob("*.md") if not is_chinese(path))


def is_chinese(path: Path) -> bool:
    """Whether the path names a Chinese page."""
    return path.name.endswith(".zh.md")


def twin(page: Path) -> Path:
    """The path of the Chinese page beside an English one."""
    return page.with_name(f"{page.stem}.zh.md")


def fingerprint(page: Path) -> str:
    """The start of the SHA-256 of a page; line endings do not count."""
    return hashlib.sha256(page.read_text(encoding="utf-8").encode()).hexdigest()[:12]


def stamp(page: Path) -> None:
    """Write the fingerprint of an English page into the last line of its twin."""
    text = _STAMP.sub("", twin(page).read_text(encoding="utf-8")).rstrip("\n")
    twin(page).write_text(f"{text}\n\n<!-- English text: {fingerprint(page)} -->\n", encoding="utf-8")


def check(root: Path, waiting: frozenset[str]) -> Iterator[str]:
    """One line for each twin that is missing, out of date or built differently."""
    for page in pages(root):
        name, chinese = page.relative_to(root).as_posix(), twin(page)
        if not chinese.exists():
            if name not in waiting:
                yield f"{name}: its Chinese twin {chinese.name} is missing."
            continue
        if name in waiting:
            yield f"{name}: it has a twin, so remove it from WAITING in tools/twins.py."
        source, text = (path.read_text(encoding="utf-8") for path in (page, chinese))
        stamped = _STAMP.search(text)
        if stamped is None or stamped[1] != fingerprint(page):
            yield f"{name}: the page has changed. Change {chinese.name}; then: python3 tools/twins.py --stamp {name}"
        if outline(source) != outline(text):
            yield f"{name}: {chinese.name} has other headings or blocks of code."
            continue
        for one, other in zip(_FENCE.finditer(source), _FENCE.finditer(text), strict=True):
            if code_shape(one[1], one[2]) != code_shape(other[1], other[2]):
                lines = (each.string.count("\n", 0, each.start()) + 1 for each in (one, other))
                yield "{}: the code in line {} differs from that in line {} of {}.".format(name, *lines, chinese.name)
    for path in sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.zh.md")):
        english = path.with_name(path.name.removesuffix(".zh.md") + ".md")
        if not english.exists() and path.relative_to(root).as_posix() not in waiting:
            yield f"{path.relative_to(root).as_posix()}: its English twin {english.name} is missing."


def outline(text: str) -> list[str]:
    """The levels of the headings and the kinds of the blocks of code, in their order."""
    marked = _FENCE.sub(lambda match: f"\n# \0{match[1]}", text)
    return [kind or level for level, kind in re.findall(r"^(#+) (?:\0(\w*))?", marked, re.MULTILINE)]


def code_shape(kind: str, code: str) -> object:
    """What a block of code has in common with its twin; None for output, data and formulas."""
    if kind == "python":
        return ast.dump(_WithoutText().visit(ast.parse(textwrap.dedent(code))))
    if kind in ("bash", "console"):
        return [word for command in commands(code, is_console=kind == "console") for word in _fixed_words(command)]
    return None


def commands(code: str, is_console: bool) -> Iterator[list[str]]:
    """The words of each command of a shell block, operators such as `|` included. A console block has output too."""
    for line in textwrap.dedent(code).replace("\\\n", " ").splitlines():
        if not is_console or line.startswith("$ "):
            lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            yield list(lexer)


def _fixed_words(command: list[str]) -> Iterator[str]:
    """The operators, programs, subcommands of `tenor`, and names of options and variables of a command."""
    before = ""
    for word in command:
        is_operator = set(word) <= _OPERATORS
        if is_operator or word.startswith("-") or before in ("", "tenor") or set(before) <= set("|;&("):
            yield word.partition("=")[0]
        before = word


class _WithoutText(ast.NodeTransformer):
    """Empties strings: f-strings keep their values, in any order. Drops the choice of a Chinese font."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.JoinedStr:
        values = [each.value for each in node.values if isinstance(each, ast.FormattedValue)]
        return ast.JoinedStr(sorted((self.visit(value) for value in values), key=ast.dump))

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        return None if ast.unparse(node.targets[0]) == _CHINESE_FONT else self.generic_visit(node)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
