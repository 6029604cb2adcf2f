"""The commands in the documentation: all of them are parsed, and those that are quick are run."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.main import get_command

from helpers.command import Cli
from helpers.pages import language_of
from helpers.rows import english, write_csv
from tenor import TextClassifier, TextRegressor
from tenor.cli.main import app
from tenor.data.correction_store import Correction, CorrectionStore

ROOT = Path(__file__).parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md"), ROOT / "bench" / "NOTES.md"})
PROGRAMS = ("tenor", ".venv/bin/tenor")
# What takes long or needs more than this machine: clusters, runtimes, built-in datasets, networks.
QUICK = {"check", "evaluate", "compare", "predict", "explain", "corrections export"}
SLOW = {"--on", "--runtime", "imdb", "zh-reviews", "runs/cnn", "runs/transformer"}


def examples() -> Iterator[tuple[str, str]]:
    """Page and command line of each `tenor ...` in a block of commands; what a pipe hands to it is left out."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for kind, block in re.findall(r"^ *```(console|bash)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if kind == "console" and not line.startswith("$ "):
                    continue
                for part in line.removeprefix("$ ").split(" | "):
                    words = [word for word in shlex.split(part, comments=True) if not re.match(r"[A-Z_]+=", word)]
                    if words and words[0] in PROGRAMS:
                        yield page.relative_to(ROOT).as_posix(), shlex.join(words[1:])


OUTPUTS = {"labelled.csv", "结果.csv", "corrections.csv", "review.csv", "复核.csv", "suspects.csv", "可疑.csv"}
OUTPUTS |= {"clean.csv", "干净.csv"}
EXAMPLES = sorted(set(examples()))
GROUP: Any = get_command(app)


def split(line: str) -> tuple[str, Any, list[str]]:
    """The name of the command, the command and its arguments."""
    name, *arguments = shlex.split(line)
    command = GROUP.commands[name]
    if hasattr(command, "commands"):
        name, command, arguments = f"{name} {arguments[0]}", command.commands[arguments[0]], arguments[1:]
    return name, command, arguments


def is_quick(line: str) -> bool:
    name, _, arguments = split(line)
    return name in QUICK and not SLOW & set(arguments) and "://" not in line


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Path:
    """A folder with the files and models that the pages name; all classifiers are one, and so are labelled tables."""
    folder = tmp_path_factory.mktemp("examples")
    for model in ("reviews", "zh", "old", "new", "旧", "新"):
        shutil.copytree(model_folder, folder / "runs" / model)
    articles = [
        {"title": text, "body": f"{text} {number}", "price": number % 7} for number, (text, _) in enumerate(english(40))
    ]
    TextClassifier(text=["title", "body"], features="price").fit(articles, [label for _, label in english(40)]).save(
        folder / "runs" / "articles"
    )
    hours = TextRegressor().fit([text for text, _ in english(80)], [number % 9 for number in range(80)])
    for model in ("hours", "工时"):
        hours.save(folder / "runs" / model)
    rows = [(*row, f"place {number % 2}") for number, row in enumerate(english(80, seed=5))]
    for name in ("tickets.csv", "new.csv", "train.csv", "test.csv", "fresh.csv", "工单.csv", "新评论.csv"):
        write_csv(folder / name, rows, ("text", "label", "source"))  # type: ignore[arg-type]
    write_csv(folder / "测试.csv", rows, ("text", "label", "来源"))  # type: ignore[arg-type]
    (folder / "texts").mkdir()
    pq.write_table(pa.table({"text": [row[0] for row in rows[:5]]}), folder / "texts" / "part-0.parquet")
    with_error = [
        (text, "" if number in (1204, 1377, 2950) else label) for number, (text, label, _) in enumerate(rows * 40, 1)
    ]
    write_csv(folder / "reviews.csv", with_error)
    for name in ("filled.csv", "已填.csv"):
        filled = [(text, label, label, label) for text, label, _ in rows[:3]]
        write_csv(folder / name, filled, ("text", "label", "predicted_label", "right_label"))  # type: ignore[arg-type]
    store = CorrectionStore(str(folder / "corrections.db"))
    store.add(Correction(text="so dull", label="negative", predicted="positive", model="reviews", version="1"))
    store.close()
    return folder


@pytest.mark.parametrize(("page", "line"), EXAMPLES)
def test_the_command_line_takes_the_example(page: str, line: str) -> None:
    name, command, arguments = split(line)
    command.make_context(name, arguments)


# Each once in a language; the tutorials are followed in test_tutorials.py.
QUICK_EXAMPLES = sorted(
    {(line, language_of(page)) for page, line in EXAMPLES if is_quick(line) and "/tutorials/" not in page}
)


@pytest.mark.parametrize(("line", "language"), QUICK_EXAMPLES)
def test_a_quick_example_runs(
    line: str, language: str, folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TENOR_LANG", language)
    outputs = [word for word in shlex.split(line) if word in OUTPUTS]
    for output in outputs:
        Path(output).unlink(missing_ok=True)
    done = cli(*shlex.split(line), stdin=b"good one\nbad one\n")
    assert done.code in ((0, 1) if shlex.split(line)[0] == "check" else (0,)), done.err
    assert "error:" not in done.err and "错误：" not in done.err
    assert all(Path(output).stat().st_size for output in outputs)


def test_the_error_in_the_readme_is_the_one_that_is_printed(
    folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    command = "$ tenor train reviews.csv\n"
    for page in ("README.md", "README.zh.md"):
        monkeypatch.setenv("TENOR_LANG", language_of(page))
        shown = (ROOT / page).read_text(encoding="utf-8").split(command)[1].split("```")[0]
        assert cli("train", "reviews.csv", "--family", "ngram").err.endswith(shown)


def shapes(text: str) -> set[str]:
    """The lines of a text, numbers and the width of columns aside."""
    return {re.sub(r" +", " ", re.sub(r"[+-]?\d[\d.,:]*", "#", line)).strip() for line in text.splitlines()} - {
        "",
        "...",
    }


TRAIN = "train train.csv --family ngram --out runs/reviews --overwrite"


@pytest.mark.parametrize(
    ("page", "shown", "runs"),
    [
        ("README.md", "train imdb --family ngram --out runs/reviews", [TRAIN]),
        (
            "docs/explanation/trust.md",
            "predict runs/reviews 'What a film' --coverage 0.95",
            [TRAIN, "predict runs/reviews 'film' --coverage 0.995"],
        ),
    ],
)
def test_printed_lines_in_a_page_have_the_form_of_what_is_printed(
    page: str, shown: str, runs: list[str], folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TENOR_LANG", language_of(page))
    blocks = re.findall(r"^```console\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    commands = [each for block in blocks for each in re.split(r"^\$ ", block, flags=re.MULTILINE)]
    printed = next(
        "\n".join(each.splitlines()[1:])
        for each in commands
        if each and shlex.split(each.splitlines()[0])[1:] == shlex.split(shown)
    )
    for run in runs:
        done = cli(*shlex.split(run))
        assert done.code == 0
    assert shapes(printed) <= shapes(done.out + done.err)


def test_there_are_examples_of_most_commands() -> None:
    named = {split(line)[0] for _, line in EXAMPLES}
    assert len(named) >= 10 and sum(is_quick(line) for _, line in EXAMPLES) >= 10
