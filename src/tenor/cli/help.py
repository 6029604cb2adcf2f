"""`tenor help`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from tenor._core.language import language, tr
from tenor.cli import completion, options
from tenor.cli.console import show
from tenor.cli.layout import pad

if TYPE_CHECKING:
    from tenor.errors import SettingsError


def help_(
    topic: Annotated[
        str | None,
        typer.Argument(
            help="A topic, or a term of the glossary.", show_default=False, autocompletion=completion.topics
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    lang: options.Lang = None,
) -> None:
    """Explain a topic in a few lines, such as labels, coverage or serve; or a term of the glossary.

    Without TOPIC, list the topics.
    """
    from tenor.help import terms, topics

    if topic is None:
        _print_topics(as_json)
        return
    if name := topics.find(topic):
        page = topics.read(name, language())
        more = topics.address(topics.PAGES[name], language())
        if as_json:
            print(json.dumps({**page._asdict(), "more": more}, ensure_ascii=False))
        else:
            show(
                page.summary[0].upper() + page.summary[1:],
                "",
                *page.text.split("\n"),
                "",
                tr("More: {address}", address=more),
            )
    elif term := terms.find(topic, language()):
        if as_json:
            print(json.dumps(term._asdict(), ensure_ascii=False))
        else:
            show(term.title, f"  {term.meaning}")
    else:
        raise _unknown(topic)


def _print_topics(as_json: bool) -> None:
    """List the topics, each with what it is about."""
    from tenor.help import topics

    pages = [topics.read(name, language()) for name in topics.PAGES]
    if as_json:
        print(json.dumps([{"name": page.name, "summary": page.summary} for page in pages], ensure_ascii=False))
        return
    width = max(len(page.name) for page in pages) + 2
    show(
        tr("Topics (tenor help TOPIC):"),
        "",
        *(f"  {pad(page.name, width)}{page.summary}" for page in pages),
        "",
        tr("Terms of machine learning work too: tenor help calibration. Commands: tenor --help."),
    )


def _unknown(word: str) -> "SettingsError":
    """The error for a word that is neither a topic nor a term, with words that are spelled alike."""
    from tenor.errors import SettingsError, listed
    from tenor.help import terms, topics

    similar = topics.similar(word, terms.names(language()))
    suggestion = tr("Did you mean {names}? ", names=tr(" or ").join(similar)) if similar else ""
    return SettingsError(
        tr("there is no help on {word!r}.", word=word),
        suggestion + tr("Topics: {topics}.", topics=listed(list(topics.PAGES), 100)),
    )
