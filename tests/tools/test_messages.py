"""The catalogues of messages, and the tool that keeps them."""

import runpy
from pathlib import Path
from typing import Any

import pytest

TOOL = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "messages.py"))


@pytest.fixture(scope="module")
def texts() -> Any:
    return TOOL["messages"]()


def test_every_message_is_translated_and_the_compiled_catalogues_are_current(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert TOOL["main"]([]) == 0, capsys.readouterr().out


def test_messages_come_from_calls_templates_help_settings_and_typer(texts: Any) -> None:
    for text in (
        "{name}: there is no column {column!r}.",
        ("{number:,} row", "{number:,} rows"),
        "Reliability diagram",
        "Check a labelled dataset for problems before training.",
        "Random seed.",
        "width of a token's vector",
        "film reviews of IMDB users",
        "Options",
    ):
        assert any(known == text or (isinstance(known, str) and known.startswith(str(text))) for known in texts), text


@pytest.mark.parametrize(
    ("translation", "problem"),
    [
        ("", "no translation"),
        ("{nam}：没有列 {column!r}。", "names nam"),
        ("{name：没有列", "not a format string"),
        ("没有列", None),
    ],
)
def test_a_wrong_translation_is_a_problem(translation: str, problem: str | None) -> None:
    catalogue = TOOL["_empty"]("zh")
    text = "{name}: there is no column {column!r}."
    catalogue.add(text, translation)
    lines = [*TOOL["problems"](catalogue, {text: ["a.py"]})]
    assert [problem in line for line in lines] == [True] if problem else not lines


def test_options_stay_in_a_translation_and_messages_that_are_gone_are_named() -> None:
    catalogue = TOOL["_empty"]("zh")
    catalogue.add("Leave out `out=...` and --quiet.", "请去掉。")
    catalogue.add("gone", "没了")
    lines = [*TOOL["problems"](catalogue, {"Leave out `out=...` and --quiet.": ["a.py"], "new": ["a.py"]})]
    assert len(lines) == 3
    assert "--quiet, `out=...`" in lines[0]
    assert "new" in lines[1] and "gone" in lines[2]


def test_an_update_keeps_translations_and_drops_what_is_gone() -> None:
    catalogue = TOOL["_empty"]("zh")
    catalogue.add("kept", "保留")
    catalogue.add("gone", "没了")
    texts = {"kept": ["a.py"], ("{number} row", "{number} rows"): ["b.py"]}
    updated = TOOL["updated"](catalogue, texts)
    assert updated.get("kept").string == "保留"
    assert updated.get("gone") is None
    assert TOOL["_po"](updated) == TOOL["_po"](TOOL["updated"](updated, texts))
