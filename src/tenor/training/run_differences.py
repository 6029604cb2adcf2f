"""What differs between two runs, in words."""

import re
from collections.abc import Mapping

from tenor._core.language import tr
from tenor._core.records import JsonMapping

_FINGERPRINT = re.compile(r"[0-9a-f]{32,}")


def describe_differences(before: JsonMapping, now: JsonMapping) -> str:
    """What differs between two runs: `seed is 1, was 0`; of settings each that differs; of data that they differ.

    Args:
        before: The identity of the run that is there. Its keys are compared.
        now: The identity of the run that was requested.
    """
    parts: list[str] = []
    for name in before:
        one, other = before[name], now.get(name)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            changed = [key for key in {**one, **other} if one.get(key) != other.get(key)]
            parts += [
                _change(key if name == "settings" else f"{name} {key}", one.get(key), other.get(key)) for key in changed
            ]
        elif one != other:
            parts.append(_change(name, one, other))
    return tr("; ").join(parts)


def _change(name: str, before: object, now: object) -> str:
    if any(isinstance(value, str) and _FINGERPRINT.fullmatch(value) for value in (before, now)):
        return tr("{name} differs", name=name)  # fingerprints say nothing to people
    return tr("{name} is {now}, was {before}", name=name, now=_short(now), before=_short(before))


def _short(value: object) -> str:
    return "none" if value is None else f"{value!s:.60}"
