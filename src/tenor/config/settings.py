"""Settings of one run: frozen dataclasses, read strictly.

A settings class is a frozen dataclass whose fields are `bool`, `int`, `float`, `Seconds`, `str`, `Literal[...]`, a
tuple of `int`, a `dict`, or several of these, with `None` or without. Reading refuses an unknown key, a wrong type and
a value outside its choices, and suggests the nearest key.
"""

import contextlib
import dataclasses
import difflib
import functools
import math
import numbers
import os
import re
import tomllib
import types
import typing
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NewType, TypeVar

from tenor._core.language import mark, tr
from tenor._core.records import JsonMapping, JsonObject
from tenor.errors import RenamedSettingWarning, SettingsError, listed

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

S = TypeVar("S", bound="DataclassInstance")
Value = TypeVar("Value")
Seconds = NewType("Seconds", float)
"""A time, which may also be written as `60s`, `5m` or `1h30m`."""

_LARGEST = 1e18
_ONE_NAME = mark("Give only the current name.")


class SettingHelp(NamedTuple):
    """A setting for people.

    Attributes:
        name: Its name.
        default: Its default as users write it: `none` for None.
        help: What it means, as a phrase.
    """

    name: str
    default: str
    help: str


def setting(default: Value, help: str | None = None) -> Value:
    """A field of a settings class.

    Args:
        default: Its default.
        help: What it means, as a phrase without a period; None: as in the class that it overrides.
    """
    return dataclasses.field(default=default, metadata={} if help is None else {"help": help})


def describe(kind: "type[DataclassInstance]") -> list[SettingHelp]:
    """The settings of a class, in order, for help and documentation."""
    fields = dataclasses.fields(kind)
    return [SettingHelp(each.name, _shown(each.default), _help(kind, each.name)) for each in fields]


def _shown(default: object) -> str:
    if default is None:
        return "none"
    return str(list(default)) if isinstance(default, tuple) else str(default)


def _help(kind: type, name: str) -> str:
    """The help of a setting, from the nearest class that has one."""
    for each in kind.__mro__:
        for field in dataclasses.fields(each) if dataclasses.is_dataclass(each) else ():
            if field.name == name and "help" in field.metadata:
                return str(field.metadata["help"])
    raise TypeError(tr("{qualname__}.{name} has no help", qualname__=kind.__qualname__, name=name))


def make(kind: type[S], values: JsonObject, source: str) -> S:
    """Build the settings class `kind` from plain values.

    Args:
        kind: A frozen dataclass as described at the top of this file.
        values: Key to value, as TOML or JSON gives them; a key may be the former name of a setting.
        source: Where the values come from, for the error, such as `run.toml`.

    Raises:
        SettingsError: A key is unknown or missing, or a value has the wrong type or is out of range.
    """
    values = current_names(kind, values, source, warn=False)
    hints = _type_hints(kind)
    known = [field.name for field in dataclasses.fields(kind)]
    for key in values:
        if key not in known:
            nested = tr(" Settings of the family belong under [settings].") if "settings" in known else ""
            raise SettingsError(
                tr("{source}: there is no setting {key!r}.", source=source, key=key), suggest(key, known) + nested
            )
    required = [field.name for field in dataclasses.fields(kind) if _is_required(field)]
    for key in required:
        if key not in values:
            raise SettingsError(
                tr("{source}: the setting {key!r} is missing.", source=source, key=key), tr("Give it a value.")
            )
    checked = {
        key: _check(value, hints[key], tr("{place}: {problem}", place=source, problem=key))
        for key, value in values.items()
    }
    return kind(**{**derived_defaults(kind, checked), **checked})


def check_types(config: "DataclassInstance") -> None:
    """Check the values of a settings class that was built in Python; for its `__post_init__`.

    A path becomes a string, one name a tuple of one, and a number of NumPy one of Python.

    Raises:
        SettingsError: A value has the wrong type, or is not one of its choices.
    """
    hints = _type_hints(type(config))
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        checked = _check(value, hints[field.name], tr("setting {key!r}", key=field.name), from_file=False)
        object.__setattr__(config, field.name, checked)


@functools.cache
def _type_hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def derived_defaults(kind: type, values: JsonMapping) -> JsonObject:
    """Defaults that depend on other settings, such as the learning rate of an optimizer.

    Args:
        kind: The settings class; its class method `derived_defaults`, where it has one, returns them.
        values: The settings that were given.
    """
    derive: Callable[[JsonMapping], JsonObject] = getattr(kind, "derived_defaults", lambda _: {})
    return derive(values)


def current_names(kind: type, values: JsonMapping, source: str, warn: bool = True) -> JsonObject:
    """The values by the current names of the settings.

    Args:
        kind: The settings class; its `former_names`, where it has any, map a former name to the current one.
        values: Key to value, by either name.
        source: Where the values come from, for the error.
        warn: Warn of former names, with the current ones, in one RenamedSettingWarning.

    Raises:
        SettingsError: A setting is given by both of its names.
    """
    if not isinstance(values, Mapping):
        raise SettingsError(
            tr("{where} is {value!r:.80}.", where=source, value=values),
            tr("Give {expected}.", expected=tr("a table")),
        )
    names: Mapping[str, str] = getattr(kind, "former_names", {})
    renamed = {key: names[key] for key in values if key in names}
    for former, name in renamed.items():
        if name in values:
            raise SettingsError(
                tr(
                    "{source}: {former!r} is the former name of {name!r}, and both are given.",
                    source=source,
                    former=former,
                    name=name,
                ),
                tr(_ONE_NAME),
            )
    if warn and renamed:
        pairs = ", ".join(
            tr("{former!r} is now {name!r}", former=former, name=name) for former, name in renamed.items()
        )
        warnings.warn(
            tr("{source}: {pairs}; the former names still work.", source=source, pairs=pairs),
            RenamedSettingWarning,
            stacklevel=3,
        )
    return {renamed.get(key, key): value for key, value in values.items()}


def restore(kind: type[S], values: JsonObject, source: str) -> S:
    """The settings that a saved model describes. Raises SettingsError as `make`."""
    return make(
        kind, {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}, source
    )


def as_dict(settings: "DataclassInstance") -> JsonObject:
    """The settings as plain values, ready for JSON."""
    return {
        key: list(value) if isinstance(value, tuple) else value for key, value in dataclasses.asdict(settings).items()
    }


def read_toml(path: Path) -> JsonObject:
    """Read a run file. Raises SettingsError if it is missing or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            tr("{path}: there is no such file.", path=path), tr("Give the path of a TOML file.")
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(
            tr("{path}: this is not a TOML file: {error}.", path=path, error=error), tr("Fix that line.")
        ) from None


def parse_assignments(items: list[str]) -> JsonObject:
    """Read `key=value` items of the command line; values are TOML, and bare words are strings."""
    values: JsonObject = {}
    for item in items:
        key, equals, text = item.partition("=")
        if not equals or not key.strip():
            raise SettingsError(
                tr("{item!r} does not have the form key=value.", item=item), tr("Write epochs=3, for example.")
            )
        text = text.strip()
        try:
            parsed = tomllib.loads(f"value = {text}")
            value = parsed["value"] if len(parsed) == 1 else text
        except (tomllib.TOMLDecodeError, RecursionError):
            value = None if text == "none" else text
        values[key.strip()] = value
    return values


def parse_duration(given: str, where: str) -> Seconds | None:
    """Parse a duration such as `1h30m`, in seconds; None for `none`. Raises SettingsError that begins with `where`."""
    if given == "none":
        return None
    number = r"(\d+(?:\.\d+)?)"
    match = re.fullmatch(rf"(?:{number} ?h)? ?(?:{number} ?m)? ?(?:{number} ?s?)?", given)
    parts = (0, 0, 0) if match is None else match.groups()
    total = sum(size * float(part or 0) for size, part in zip((3600, 60, 1), parts, strict=True))
    if not total:
        raise SettingsError(
            tr("{where}: {given!r} is not a valid duration.", where=where, given=given),
            tr("Write 60s, 5m, 1h30m or none, for example."),
        )
    return Seconds(total)


def suggest(word: str, known: list[str], names: str = mark("Known: {known}.")) -> str:
    """A sentence that suggests the closest known word, and lists all or the first 100."""
    short = [name for name in known if len(name) <= 100]
    close = difflib.get_close_matches(word[:100], short[:1000], n=1, cutoff=0.5)
    suggestion = tr("Did you mean {close!r}? ", close=close[0]) if close else ""
    return suggestion + tr(names, known=listed(known, 100))


def require(condition: bool, key: str, problem: str, remedy: str = "") -> None:
    """Raise SettingsError for a setting unless the condition holds; for `__post_init__` of settings classes."""
    if not condition:
        raise SettingsError(
            tr("setting {key!r} {problem}.", key=key, problem=problem), remedy or tr("Choose another value.")
        )


def _is_required(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _check(value: Any, hint: Any, where: str, from_file: bool = True) -> Any:
    """The value in the type that a field has; `from_file` reads `none` as None."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        *first_types, last_type = [arg for arg in typing.get_args(hint) if arg is not type(None)]
        if value is None:
            return None
        if from_file and isinstance(value, str) and value == "none" and "none" not in typing.get_args(last_type):
            return None
        for each_type in first_types:
            with contextlib.suppress(SettingsError):
                return _check(value, each_type, where, from_file)
        return _check(value, last_type, where, from_file)
    if origin is typing.Literal:
        choices = [str(choice) for choice in typing.get_args(hint)]
        if not isinstance(value, str) or value not in choices:
            raise SettingsError(tr("{where} is {value!r}.", where=where, value=value), suggest(str(value), choices))
        return value
    if origin in (tuple, Sequence):
        items, inner = value if isinstance(value, (list, tuple)) else [value], typing.get_args(hint)[0]
        try:
            return tuple(_check(item, inner, where, from_file) for item in items)
        except SettingsError as error:
            if inner is not int:
                raise
            raise SettingsError(error.problem, tr("Give whole numbers, such as [1, 2].")) from None
    if origin is dict:
        hint = dict
    if hint is Seconds:
        value, hint = parse_duration(value, where) if isinstance(value, str) else value, float
    if hint is str and isinstance(value, os.PathLike):
        value = os.fspath(value)
    if hint is int and isinstance(value, numbers.Integral) and not isinstance(value, bool):
        value = int(value)  # of a number of NumPy
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if hint is float and is_number and not isinstance(value, float):
        value = float(value) if abs(value) < _LARGEST else math.inf
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        expected = {
            bool: tr("true or false"),
            int: tr("a whole number"),
            float: tr("a number"),
            str: tr("a word") if from_file else tr("a string"),
            dict: tr("a table"),
        }.get(hint, hint.__name__)
        raise SettingsError(
            tr("{where} is {value!r:.80}.", where=where, value=value), tr("Give {expected}.", expected=expected)
        )
    if isinstance(value, (int, float)) and not abs(value) < _LARGEST:
        remedy = tr("Give a number.") if math.isnan(value) else tr("Give a smaller number.")
        raise SettingsError(tr("{where} is not a usable number.", where=where), remedy)
    return value
