"""Lists of labels that a string holds: JSON, what Python and NumPy print, or words in square brackets."""

import json
import re

from tenor.data.io.json_text import require_bounded
from tenor.data.io.limits import MAX_LABELS
from tenor.errors import Location

_BRACKETS = ("[]", "()", "{}")
_ITEM = re.compile(
    r"""(?:\s*+'([^'\\]*+(?:\\.[^'\\]*+)*+)'|\s*+"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^,'"\[\](){}]++))\s*+(?:,|$|(?=['"]))"""
)


def parse_json_list(value: str) -> list[object] | None:
    """The list that a string holds as JSON; None if it holds none."""
    if not value.lstrip().startswith("["):
        return None
    try:
        require_bounded(value, Location(""))
        parsed = json.loads(value)
        json.dumps(parsed, ensure_ascii=False).encode()  # half a surrogate pair could not be written again
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, list) else None


def parse_list(value: str) -> list[object] | None:
    """The list that a string holds: JSON, as Python prints it, or words in square brackets; None: it holds none.

    `["a", "b"]`, `['a', 'b']`, `('a',)`, `{'a'}`, NumPy's `['a' 'b']`, and `[a, b]`.
    """
    text = value.strip()
    if text[:1] + text[-1:] not in _BRACKETS or len(text) < 2:
        return None
    if (parsed := parse_json_list(text)) is not None:
        return parsed
    inner, at, items = text[1:-1].strip(), 0, list[object]()
    while at < len(inner):
        match = _ITEM.match(inner, at)
        if match is None or len(items) > MAX_LABELS or (match[3] is not None and text[0] != "["):
            return None
        quoted = match[1] if match[1] is not None else match[2]
        items.append(match[3].strip() if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        at = match.end()
    return items


def is_list(value: object) -> bool:
    """Whether a value is a string that holds a list."""
    return isinstance(value, str) and parse_list(value) is not None


def is_certain_list(value: object) -> bool:
    """Whether a value is a string that holds a list and cannot be a word in brackets, such as `[deleted]`."""
    if not isinstance(value, str) or not is_list(value):
        return False
    inner = value.strip()[1:-1].strip()
    return "," in inner or inner[:1] in ("", "'", '"')


def parse_list_of_one(value: object) -> str | None:
    """The one item of a list that a string certainly holds, such as `['pos']`; None for others."""
    items = parse_list(value) if isinstance(value, str) and is_certain_list(value) else None
    return str(items[0]) if items is not None and len(items) == 1 and isinstance(items[0], (str, int, float)) else None
