"""`tenor help`, and the topics that errors name."""

import importlib
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.main import get_command

from helpers.command import Cli
from tenor.cli import error_topics
from tenor.cli.main import app
from tenor.help import terms, topics

DOCS = Path(__file__).parents[2] / "docs"
LANGUAGES: tuple[topics.Language, ...] = get_args(topics.Language)
PAGES = [(name, language) for name in topics.PAGES for language in LANGUAGES]


def printed_commands(text: str) -> Iterator[list[str]]:
    """The command lines of a topic: indented, without what is said behind two blanks."""
    for line in re.findall(r"^    tenor (.+)$", text, re.MULTILINE):
        yield shlex.split(re.split(r"  +(?!\{)", line)[0])


def test_without_a_topic_all_are_listed(cli: Cli) -> None:
    result = cli("help")
    assert result.code == 0
    assert re.findall(r"^  ([a-z]+) ", result.out, re.MULTILINE) == list(topics.PAGES)


@pytest.mark.parametrize(("name", "language"), PAGES)
def test_a_topic_is_one_screen_that_fits_a_terminal(cli: Cli, name: str, language: topics.Language) -> None:
    result = cli("help", name, "--lang", language)
    assert (result.code, result.err) == (0, "")
    assert len(result.out.splitlines()) <= 30
    assert not re.search(r"[`#]|<!--", result.out)
    assert ("\n详见：" if language == "zh" else "\nMore: ") in result.out


@pytest.mark.parametrize(("name", "language"), PAGES)
def test_the_commands_of_a_topic_can_be_typed(name: str, language: topics.Language) -> None:
    group: Any = get_command(app)
    for command, *arguments in printed_commands(topics.read(name, language).text):
        if command.startswith("-"):
            group.make_context("tenor", [command], resilient_parsing=True)
        else:
            group.commands[command].make_context(command, arguments)


def test_every_file_is_a_topic_and_every_page_exists() -> None:
    folder = Path(topics.__file__).parent / "topics"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        name + ending for name in topics.PAGES for ending in (".md", ".zh.md")
    )
    assert [page for page in topics.PAGES.values() if not (DOCS / page).is_file()] == []


@pytest.mark.parametrize(("word", "name"), [("LABELS", "labels"), ("columns", "fields"), ("中文", "languages")])
def test_other_words_for_a_topic_lead_to_it(cli: Cli, word: str, name: str) -> None:
    assert cli("help", word).out == cli("help", name).out


def test_other_words_lead_to_topics() -> None:
    assert set(topics._ALIASES.values()) <= set(topics.PAGES)


@pytest.mark.parametrize(
    ("word", "language", "start"),
    [
        ("calibration", "en", "calibration (校准)\n  correcting probabilities"),
        ("log_loss", "en", "cross-entropy, log loss"),
        ("校准", "zh", "calibration（校准）\n  修正概率"),
    ],
)
def test_a_term_of_the_glossary_is_explained(cli: Cli, word: str, language: str, start: str) -> None:
    assert cli("help", word, "--lang", language).out.startswith(start)


def test_both_glossaries_have_the_same_terms() -> None:
    assert [term.names[0] for term in terms.glossary("en")] == [term.names[0] for term in terms.glossary("zh")]


def test_an_unknown_topic_suggests_those_that_are_spelled_alike(cli: Cli) -> None:
    result = cli("help", "lables")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: there is no help on 'lables'.\nDid you mean labels or label? Topics: data, ")


def test_json_has_the_text_and_where_to_read_more(cli: Cli) -> None:
    assert [row["name"] for row in json.loads(cli("help", "--json").out)] == list(topics.PAGES)
    topic = json.loads(cli("help", "labels", "--json").out)
    assert (topic["name"], Path(topic["more"]).name) == ("labels", "data.md")
    assert json.loads(cli("help", "recall", "--json").out)["names"] == ["recall", "召回率"]


def test_pages_are_on_the_site_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(topics.DOCS_VARIABLE, "https://docs.example.org/1.0/")
    assert topics.address("reference/data.md", "zh") == "https://docs.example.org/1.0/zh/reference/data.html"
    monkeypatch.delenv(topics.DOCS_VARIABLE)
    assert topics.address("reference/data.md", "zh") == str(DOCS / "reference" / "data.zh.md")


@pytest.mark.parametrize("module", list(error_topics.TOPICS))
def test_every_module_with_a_topic_exists(module: str) -> None:
    importlib.import_module(module)
    assert error_topics.TOPICS[module] in topics.PAGES


def test_errors_name_the_topic_that_helps(cli: Cli, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("text,label\nfine,good\ndull,\n", encoding="utf-8")
    train = ("train", table, "--out", tmp_path / "out")
    assert cli(*train).err.splitlines()[-1] == "More: tenor help labels"
    assert cli(*train, "--text", "body").err.splitlines()[-1] == "More: tenor help data"
    assert cli(*train, "--feature", "price").err.splitlines()[-1] == "More: tenor help data"
    assert cli(*train, "--family", "ngrams").err.splitlines()[-1] == "More: tenor help families"
    assert cli(*train, "--family", "lstm", "--set", "epoch=3").err.splitlines()[-1] == "More: tenor help settings"


def test_errors_that_say_all_name_no_topic(cli: Cli, tmp_path: Path) -> None:
    assert "More:" not in cli("train", tmp_path / "absent.csv").err
    assert "More:" not in cli("predict", tmp_path, "a text").err
