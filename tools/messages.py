"""Keep the catalogues of messages, `src/tenor/locale/LANGUAGE/LC_MESSAGES/messages.po`, in step with the source.

    python3 tools/messages.py           list what is missing, wrong or out of date; exit with 1 if there is anything
    python3 tools/messages.py --update  add new messages, drop old ones, and compile messages.mo, which programs read

A message is a literal in a call of `tr`, `tr_number`, `counted` or `mark` (`tenor._core.language`), one of `tr` in
a template, the help of a command, an option or a setting, or a name that Tenor gives to what it measures. What the
library of the command line says itself (Usage, Missing option) is a message too.
"""

import ast
import dataclasses
import datetime
import io
import re
import string
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog, Message

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "tenor"
LOCALE = SOURCE / "locale"
_CALLS = {"tr", "mark", "tr_number", "counted"}
_TEMPLATE = re.compile(r"\btr\(\s*\"((?:[^\"\\]|\\.)*)\"")
_OPTION = re.compile(r"`[^`]*`|--[a-z][a-z-]+")
_DATE = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
_HEADER = "# Messages of Tenor. Translate by the meaning; keep {names}, `options` and --flags as they are."

Text = str | tuple[str, str]
"""A message, or its forms for one and for many."""


class Found(NamedTuple):
    """A message and the file that has it."""

    text: Text
    file: str


def messages() -> dict[Text, list[str]]:
    """Every message with the files that have it, in the order of the source."""
    files: dict[Text, list[str]] = {}
    for text, file in [*_of_source(), *_of_templates(), *_of_program(), *_of_typer()]:
        if (text if isinstance(text, str) else text[0]).strip():
            names = files.setdefault(text, [])
            if file not in names:
                names.append(file)
    return files


def _of_source() -> Iterator[Found]:
    for path in [*sorted(SOURCE.rglob("*.py")), ROOT / "tools" / "man.py", ROOT / "examples" / "demo.py"]:
        name = path.relative_to(SOURCE.parent if SOURCE in path.parents else ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (text := _call_text(node)):
                yield Found(text, name)


def _call_text(node: ast.Call) -> Text | None:
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if name not in _CALLS:
        return None
    literals = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    texts = [literal for literal in literals if isinstance(literal, str)]
    if not texts:
        return None
    if name == "counted":
        return f"{{number:,}} {texts[0]}", f"{{number:,}} {texts[1] if len(texts) > 1 else f'{texts[0]}s'}"
    return (texts[0], texts[1]) if name == "tr_number" else texts[0]


def _of_templates() -> Iterator[Found]:
    for path in sorted(SOURCE.rglob("*.jinja")):
        for match in _TEMPLATE.finditer(path.read_text(encoding="utf-8")):
            yield Found(match[1], path.relative_to(SOURCE.parent).as_posix())


def _of_program() -> Iterator[Found]:
    """Texts that Tenor keeps in objects and translates where it shows them."""
    import typer.main

    from tenor._core.language import use_language
    from tenor.checks.finding import Severity
    from tenor.cli.main import app
    from tenor.config import settings
    from tenor.data import builtin
    from tenor.data.fields import FieldKind
    from tenor.inference.bundle.metrics_file import Timing
    from tenor.models import registry
    from tenor.tasks import Kind
    from tenor.text import scripts

    with use_language("en"):
        group = typer.main.get_command(app)
        for command in _commands(group):
            texts = [command.help, *(getattr(parameter, "help", None) for parameter in command.params)]
            yield from (Found(text, f"tenor/cli/{command.name}.py") for text in texts if text)
    for family in registry.FAMILIES.values():
        yield Found(family.summary, f"tenor/models/families/{family.name}.py")
        for row in settings.describe(family.config):
            yield Found(row.help, f"tenor/models/families/{family.name}.py")
    for dataset in builtin.BUILTINS.values():
        yield Found(dataset.summary, "tenor/data/builtin.py")
    yield from (Found(script, "tenor/text/scripts.py") for script in scripts.SCRIPTS)
    steps = (field.name.removesuffix("_s").replace("_", "-") for field in dataclasses.fields(Timing))
    yield from (Found(step, "tenor/inference/bundle/metrics_file.py") for step in steps)
    yield from (Found(kind, "tenor/tasks/base.py") for kind in get_args(Kind))
    yield from (Found(kind, "tenor/data/fields.py") for kind in get_args(FieldKind))
    yield from (Found(severity, "tenor/checks/finding.py") for severity in get_args(Severity))


def _commands(group: Any) -> Iterator[Any]:
    yield group
    for command in getattr(group, "commands", {}).values():
        yield from _commands(command)


def _of_typer() -> Iterator[Found]:
    """The texts that typer looks up in the catalogue."""
    import typer.core

    for node in ast.walk(ast.parse(Path(typer.core.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "_":
            text = ast.literal_eval(node.args[0])
            if not text.startswith("No such command"):  # typer goes on to change it; tenor.cli.usage_errors has it
                yield Found(text, "typer")


def _empty(locale: str) -> Catalog:
    """A catalogue whose header has no date, so that it changes with its messages alone."""
    return Catalog(
        locale,
        header_comment=_HEADER,
        project="Tenor",
        version="1",
        msgid_bugs_address="Tenor",
        last_translator="Tenor",
        language_team="Tenor",
        creation_date=_DATE,
        revision_date=_DATE,
    )


def load(path: Path) -> Catalog:
    """A catalogue; an empty one if there is no file."""
    if not path.exists():
        return _empty(path.parts[-3])
    with path.open("rb") as stream:
        return pofile.read_po(stream, locale=path.parts[-3])


def updated(old: Catalog, texts: dict[Text, list[str]]) -> Catalog:
    """A catalogue with the messages of the source, and the translations that are there."""
    new = _empty(str(old.locale))
    for text, files in texts.items():
        former = old.get(text)
        translation = former.string if former else ("",) * old.num_plurals if isinstance(text, tuple) else ""
        new.add(text, translation, locations=[(file, 0) for file in files])
    return new


def problems(catalogue: Catalog, texts: dict[Text, list[str]]) -> Iterator[str]:
    """What is missing or wrong in a catalogue, a line each."""
    for text in texts:
        message = catalogue.get(text)
        if message is None:
            yield f"not in the catalogue: {text!r}"
        else:
            yield from (f"{text!r}: {problem}" for problem in _problems(message))
    known = {text if isinstance(text, str) else text[0] for text in texts}
    for message in catalogue:
        if message.id and (message.id if isinstance(message.id, str) else message.id[0]) not in known:
            yield f"no longer in the source: {message.id!r}"


def _problems(message: Message) -> Iterator[str]:
    english = message.id if isinstance(message.id, str) else message.id[-1]
    for translation in [message.string] if isinstance(message.string, str) else message.string or [""]:
        if not translation:
            yield "there is no translation"
            continue
        try:
            names, known = _names(translation), _names(english)
        except ValueError as error:
            yield f"{translation!r} is not a format string: {error}"
            continue
        if extra := names - known:
            yield f"{translation!r} names {', '.join(sorted(extra))}, which the message does not have"
        if lost := set(_OPTION.findall(english)) - set(_OPTION.findall(translation)):
            yield f"{translation!r} does not have {', '.join(sorted(lost))}"


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _po(catalogue: Catalog) -> bytes:
    stream = io.BytesIO()
    pofile.write_po(stream, catalogue, width=120, sort_output=False, include_lineno=False)
    return stream.getvalue()


def _mo(catalogue: Catalog) -> bytes:
    stream = io.BytesIO()
    mofile.write_mo(stream, catalogue)
    return stream.getvalue()


def main(arguments: list[str]) -> int:
    """Update the catalogues, or list their problems; returns the exit code."""
    texts, code = messages(), 0
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/messages.po")):
        catalogue = load(path)
        if arguments == ["--update"]:
            catalogue = updated(catalogue, texts)
            path.write_bytes(_po(catalogue))
            path.with_suffix(".mo").write_bytes(_mo(catalogue))
        lines = [*problems(catalogue, texts)]
        if path.with_suffix(".mo").read_bytes() != _mo(catalogue):
            lines.append("messages.mo is out of date: run tools/messages.py --update")
        for line in lines:
            print(f"{path.relative_to(ROOT)}: {line}")
        code = code or int(bool(lines))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
