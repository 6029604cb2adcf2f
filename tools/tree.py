"""Write the tree of the source into ARCHITECTURE.md, from the first lines of the docstrings.

    python3 tools/tree.py            write the tree
    python3 tools/tree.py --check    exit with 1 if the tree is out of date

Standard library only. A package, or a module directly under `src/tenor`, appears with the first line of its docstring.
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "tenor"
PAGE = ROOT / "ARCHITECTURE.md"
BEGIN, END = "<!-- tree: written by tools/tree.py -->", "<!-- end of tree -->"

# The order in which data flows, then what surrounds it.
ORDER = (
    "api.py",
    "errors.py",
    "sklearn.py",
    "_core",
    "config",
    "tasks",
    "data",
    "text",
    "checks",
    "models",
    "training",
    "inference",
    "evaluation",
    "explanation",
    "report",
    "tracking",
    "serving",
    "distributed",
    "cli",
)
OUTSIDE = {
    "tests/": "Tests; they mirror src/tenor.",
    "tools/": "Installer and checks of the documentation.",
    "bench/": "Benchmarks beside other tools, their results, and notes on experiments.",
    "examples/": "The demo, and one LSTM in plain Keras and in Tenor.",
    "docs/": "The documentation.",
}


def main(arguments: list[str]) -> int:
    """Write the tree, or with `--check` compare it; returns the exit code."""
    text = PAGE.read_text(encoding="utf-8")
    updated = insert(text, tree(SOURCE))
    if updated == text:
        return 0
    if "--check" in arguments:
        print(f"The tree in {PAGE.name} is out of date. Run: python3 tools/tree.py")
        return 1
    PAGE.write_text(updated, encoding="utf-8")
    return 0


def tree(source: Path) -> str:
    """The tree of a package as text: its packages and modules, and the packages inside those.

    Raises:
        SystemExit: A package or module has no docstring.
    """
    rows = [(f"src/{source.name}/", summary(source / "__init__.py"))]
    for path in sorted(entries(source), key=_position):
        rows.append((f"  {_shown(path)}", summary(_described(path))))
        if path.is_dir():
            rows += [(f"    {_shown(inner)}", summary(_described(inner))) for inner in packages(path)]
    rows += OUTSIDE.items()
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(f"{name:{width}}{text}" for name, text in rows)


def entries(source: Path) -> list[Path]:
    """The packages in a folder, and its modules without an underscore in front."""
    modules = [path for path in source.glob("*.py") if not path.name.startswith("_")]
    return packages(source) + modules


def packages(folder: Path) -> list[Path]:
    """The packages in a folder, by name."""
    return sorted(path.parent for path in folder.glob("*/__init__.py"))


def summary(path: Path) -> str:
    """The first line of the docstring of a module."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not docstring:
        sys.exit(f"{path.relative_to(ROOT)}: there is no docstring. Its first line goes into the tree: add one.")
    return docstring.partition("\n")[0]


def insert(text: str, block: str) -> str:
    """A page with its tree replaced.

    Raises:
        SystemExit: The page has no place for a tree.
    """
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(text):
        sys.exit(f"A page has no place for the tree: add the lines {BEGIN} and {END}.")
    return pattern.sub(lambda _: f"{BEGIN}\n\n```text\n{block}\n```\n\n{END}", text)


def _described(path: Path) -> Path:
    return path / "__init__.py" if path.is_dir() else path


def _shown(path: Path) -> str:
    return f"{path.name}/" if path.is_dir() else path.name


def _position(path: Path) -> tuple[int, str]:
    return (ORDER.index(path.name) if path.name in ORDER else len(ORDER), path.name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
