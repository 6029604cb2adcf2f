"""Strict JSON within limits, which are checked before any value is created."""

import json
import re
import sys
from collections import Counter

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor._core.records import Json, JsonObject
from tenor.data.io import limits
from tenor.errors import DataError, Location

Row = JsonObject

# Possessive, since a string of 64 MB would otherwise take gigabytes to match.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+', re.DOTALL)
_STEPS = np.zeros(256, np.int8)
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1
_STARTS_VALUE = np.zeros(256, np.bool_)
_STARTS_VALUE[list(b"[{,")] = True
_BLOCK = 1 << 20


def decode(text: str, at: Location, remedy: str) -> Json:
    """Parse a JSON text.

    Args:
        text: The text.
        at: Its place, for messages.
        remedy: What to do if it is not JSON.

    Raises:
        DataError: It is not JSON, an object has a key twice, or it exceeds a limit of `require_bounded`.
    """
    require_bounded(text, at)
    try:
        return JSON.decode(text)
    except (ValueError, RecursionError) as error:
        raise refusal(error, at, remedy) from None


def refusal(error: Exception, at: Location, remedy: str) -> DataError:
    """The error to raise for an error of `JSON`; `at` and `remedy` are as for `decode`."""
    if isinstance(error, DataError):
        return DataError(error.problem, error.remedy, at)
    if isinstance(error, RecursionError):
        return _too_deep(at)
    if isinstance(error, ValueError) and not isinstance(error, json.JSONDecodeError):
        digits = sys.get_int_max_str_digits()
        return DataError(
            tr("a number has more than {digits:,} digits.", digits=digits), tr("Write it as a string."), at
        )
    return DataError(tr("this is not JSON: {error}.", error=error), remedy, at)


def require_bounded(text: str, at: Location) -> None:
    """Raise DataError if the value at the start of a text is nested too deep or has too many values.

    The time is linear in the text. It is scanned closely only if it has enough brackets or commas.
    """
    brackets = text.count("[") + text.count("{")
    if brackets <= limits.MAX_DEPTH and brackets + text.count(",") <= limits.MAX_VALUES:
        return
    bare = _STRING.sub("", text).lstrip()
    if bare[:1] not in ("[", "{"):
        return
    codes = np.frombuffer(bare.encode("utf-8", "surrogatepass"), np.uint8)
    level = values = 0
    for begin in range(0, len(codes), _BLOCK):
        part = codes[begin : begin + _BLOCK]
        levels: npt.NDArray[np.int64] = level + _STEPS[part].cumsum(dtype=np.int64)
        ends = np.flatnonzero(levels <= 0)
        end = int(ends[0]) + 1 if len(ends) else len(part)
        level, values = int(levels[-1]), values + int(_STARTS_VALUE[part[:end]].sum())
        if levels[:end].max() > limits.MAX_DEPTH:
            raise _too_deep(at)
        if values > limits.MAX_VALUES:
            raise DataError(
                tr("there are more than {max_values:,} values.", max_values=limits.MAX_VALUES),
                tr("Give each text its own row."),
                at,
            )
        if len(ends):
            return


def require_object(value: object, text: str, at: Location) -> Row:
    """Check the value of a text.

    Args:
        value: The value.
        text: The JSON that it was parsed from.
        at: Its place, for messages.

    Raises:
        DataError: It is not an object, has half of a surrogate pair, or too many keys.
    """
    if "\\u" in text:  # the only way to half a pair
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise DataError(tr("there is half of a surrogate pair."), tr("Write the character whole."), at) from None
    if not isinstance(value, dict):
        raise DataError(tr("this is JSON but not an object."), tr('Give objects such as {"text": "..."}.'), at)
    limits.require_few_columns(len(value), at)
    return value


def _too_deep(at: Location) -> DataError:
    return DataError(
        tr("lists or objects are nested more than {max_depth} levels deep.", max_depth=limits.MAX_DEPTH),
        tr("Write the rows as plain objects with a text and a label."),
        at,
    )


def _unique(pairs: list[tuple[str, Json]]) -> Row:
    """The object of some pairs. Raises DataError if a key occurs twice."""
    row = dict(pairs)
    if len(row) != len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise DataError(tr("the key {twice!r:.200} occurs twice in an object.", twice=twice), tr("Give each key once."))
    return row


JSON = json.JSONDecoder(object_pairs_hook=_unique)
