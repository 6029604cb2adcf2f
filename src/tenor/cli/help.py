"""`tenor help`."""

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tenor.cli import completion
from tenor.cli.console import pad, show

if TYPE_CHECKING:
    from tenor.errors import SettingsError
    from tenor.help.topics import Language


def help_(
    topic: Annotated[
        str | None,
        typer.Argument(
            help="A topic, or a term of the glossary.", show_default=False, autocompletion=completion.topics
        ),
    ] = None,
    language: Annotated[
        Literal["en", "zh"], typer.Option("--lang", help="Language of the help.", show_default=False)
    ] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Explain a topic in a few lines, such as labels, coverage or serve; or a term of the glossary.

    Without TOPIC, list the topics.
    """
    from tenor.help import terms, topics

    if topic is None:
        _print_topics(language, as_json)
        return
    if name := topics.find(topic):
        page = topics.read(name, language)
        more = topics.address(topics.PAGES[name], language)
        if as_json:
            print(json.dumps({**page._asdict(), "more": more}, ensure_ascii=False))
        else:
            show(page.summary[0].upper() + page.summary[1:], "", *page.text.split("\n"), "", f"{_MORE[language]}{more}")
    elif term := terms.find(topic, language):
        if as_json:
            print(json.dumps(term._asdict(), ensure_ascii=False))
        else:
            show(term.title, f"  {term.meaning}")
    else:
        raise _unknown(topic, language)


_MORE = {"en": "More: ", "zh": "详见："}
_TOPICS = {"en": "Topics (tenor help TOPIC):", "zh": "主题（tenor help TOPIC）："}
_TERMS = {
    "en": "Terms of machine learning work too: tenor help calibration. Commands: tenor --help.",
    "zh": "也可以查机器学习的术语：tenor help calibration。命令：tenor --help。",
}


def _print_topics(language: "Language", as_json: bool) -> None:
    """List the topics, each with what it is about."""
    from tenor.help import topics

    pages = [topics.read(name, language) for name in topics.PAGES]
    if as_json:
        print(json.dumps([{"name": page.name, "summary": page.summary} for page in pages], ensure_ascii=False))
        return
    width = max(len(page.name) for page in pages) + 2
    show(_TOPICS[language], "", *(f"  {pad(page.name, width)}{page.summary}" for page in pages), "", _TERMS[language])


def _unknown(word: str, language: "Language") -> "SettingsError":
    """The error for a word that is neither a topic nor a term, with words that are spelled alike."""
    from tenor.errors import SettingsError, listed
    from tenor.help import terms, topics

    similar = topics.similar(word, terms.names(language))
    suggestion = f"Did you mean {' or '.join(similar)}? " if similar else ""
    return SettingsError(f"there is no help on {word!r}.", f"{suggestion}Topics: {listed(list(topics.PAGES), 100)}.")
