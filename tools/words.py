"""Find words in the documentation and the source that the glossary replaces.

    python3 tools/words.py            check pages and source files; exit with 1 if there is a match
    python3 tools/words.py FILE ...   check these files

In a source file, docstrings, comments, messages and the names that it defines are checked.

Each match is printed as file:line with the word to use. docs/contributing/glossary.md explains the choice of words.
Standard library only. To add a word or a name, add one that matches nothing today.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GLOBS = ("*.md", "docs/**/*.md", "src/tenor/help/topics/*.md", "bench/*.md", ".github/**/*.md")
SOURCE = "src/**/*.py"
EXCLUDED = {"docs/contributing/glossary.md"}  # it names the words that it replaces

# Pattern, and what to write instead. Case does not matter; code in backticks is not checked.
WORDS = {
    r"\bin (the )?place of\b": "instead of",
    r"\bof which\b": "two sentences",
    r"\bas (it|they) (is|are)\b(?! \w+ed)": "unchanged, directly",
    r"\bthat (is|are) to (?!the\b|an?\b)": "that must, that will",
    r"(?<!there )\b(is|are) no (?!longer\b|more\b)\w+": "is not, has no",
    r"\b(found|chosen|taken|told|made|done) by (itself|themselves)\b": "detected or chosen automatically",
    r"\b(goes|go|went|going) on\b": "continue, resume",
    r"\btold (of|from|apart)\b": "reported, inferred from",
    r"\btells? (how|what|which|whether|where|of)\b": "report, show",
    r"\bsays? of\b": "predict for",
    r"\blearn(s|ed|ing)? from\b": "train on",
    r"\bfigures?\b": "metric, number, result; for a drawing: chart",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\b(anew|afresh)\b": "again",
    r"\bparted\b": "split",
    r"\bdear\b": "costly",
    r"\bheeded\b": "respected, applied",
    r"\b(one|some|several|labels?|texts?) an? (text|row|line|class|worker|second|minute)\b": "per text, per row, ...",
    r"\bstands? (twice|beside|under|there)\b": "is, occurs",
    r"\b(is|are) there, and\b": "exist",
    r"\bbe looked (at|for)\b": "check, search",
    r"\bwhat (it|they|a model) (is|are) worth\b": "how good it is",
    r"\bhand(s|ed)? (on|over)\b": "pass",
    r"\bdealt out\b": "divided",
    r"\bcut off\b": "interrupt; for texts: truncate",
    r"\bso many\b": "this many, N",
}
# Names of classes, functions, parameters and variables, and what to use instead.
NAMES = {
    "Watcher": "Callback",
    "Passing": "ForwardingCallback",
    "LabelSet": "MultiLabel",
    "Loop": "Trainer",
    "Learned": "TrainedNetwork",
    "Journal": "PredictionCache",
    "Promise": "ConformalOptions",
    "Coded": "CodedLabels",
    "Tally": "LabelCounts",
    "Served": "ServedModel",
    "told": "tracker, callback, message",
    "asked": "request, config",
    "found": "result, matches",
    "wanted": "requested_settings",
    "said": "message",
    "Spread": "Executor",
    "Crew": "WorkerPool",
    "Made": "TrainedCandidate",
    "crossed": "cross_validation",
    "spill": "disk_arrays, temp_dir_near, store",
    "in_order": "parallel_map, sequential_batches",
    "parted": "split",
    "steep": "gradient",
    "curved": "curvature",
    "dots": "inner_product",
    "minimum_texts": "min_df",
    "predict_keep": "predict_truncation",
    "agreed": "broadcast_metrics",
    "by_rows": "shard_map_rows",
    "centre": "mean",
    "misses": "one_minus_f1",
    "afresh": "restart",
    "Elsewhere": "RemoteTexts",
    "Question": "PredictRequest",
    "Answer": "PredictResponse",
    "About": "ModelInfo",
    "Exported": "OnnxNetwork",
    "Start": "PretrainedWeights",
    "Work": "NetworkJob",
}
PATTERNS = {re.compile(pattern, re.IGNORECASE): use for pattern, use in WORDS.items()}
KEY = re.compile(r"""(["'])[\w.]+\1""")  # a string that is a name, such as a key of a file
CODE = re.compile(r"`[^`\n]*`|\]\([^)\n]*\)")  # code, and the target of a link


def main(arguments: list[str]) -> int:
    """Check the files; returns the exit code."""
    paths = [Path(each) for each in arguments] or pages(ROOT)
    matches = [f"{path}:{line}: {word!r}; use: {use}" for path in paths for line, word, use in check(path)]
    for match in matches:
        print(match)
    if matches:
        print(f"{len(matches)} of these words are replaced by the glossary (docs/contributing/glossary.md).")
    return 1 if matches else 0


def pages(root: Path) -> list[Path]:
    """The pages and source files that are checked."""
    paths = {path for glob in (*GLOBS, SOURCE) for path in root.glob(glob)}
    return sorted(path for path in paths if path.relative_to(root).as_posix() not in EXCLUDED)


def check(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line number, matching words and what to write instead, for each match in a page or a source file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from check_prose(text)
        return
    yield from check_names(text)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        is_text = token.type in (tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", None))
        if is_text and not KEY.fullmatch(token.string):
            for line, word, use in check_prose(token.string):
                yield token.start[0] + line - 1, word, use


def check_names(source: str) -> Iterator[tuple[int, str, str]]:
    """The names that a source file defines."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.arg(arg=name):
                pass
            case ast.Name(id=name, ctx=ast.Store()):
                pass
            case _:
                continue
        if name in NAMES:
            yield node.lineno, name, NAMES[name]


def check_prose(text: str) -> Iterator[tuple[int, str, str]]:
    """The words of a page. Blocks of code are skipped, except those in ```text, which show help."""
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fence = "" if fence else line.strip()
        elif not fence or fence == "```text":
            # The length stays, so that words on both sides do not become neighbours.
            prose = CODE.sub(lambda match: "_" * len(match[0]), line)
            for pattern, use in PATTERNS.items():
                for match in pattern.finditer(prose):
                    yield number, match[0], use


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
