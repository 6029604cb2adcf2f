"""Labels that may not be labels: markers of a missing label, and several labels in one string."""

import re
from collections import Counter
from collections.abc import Collection
from itertools import chain
from typing import NamedTuple

from tenor.data.label_values import all_numbers, label_key

# Words that stand for a missing label, and words that may also be an honest class.
_CERTAIN_WORDS = """
    ? ?? - -- . nan null na n/a #n/a #na <na> unk <unk> unlabeled unlabelled not_labeled not_labelled tbd todo
    未标注 未标记 未标 待标注 待标记 待定 无标签 没有标签 缺失
"""
_POSSIBLE_WORDS = "none nil undefined unknown missing unspecified not_sure unsure 未知 不详 不明 空 无"
_CERTAIN, _POSSIBLE = frozenset(_CERTAIN_WORDS.split()), frozenset(_POSSIBLE_WORDS.split())
_NUMBERS = (-1, -9, -99, -999, -9999, 99, 999, 9999)
_MOST = 20  # a number above this and below 99 is too near to be a marker
_SEPARATORS = (",", ";", "|", "，", "；", "、", "#")  # doccano writes `#` between labels in CSV


class Markers(NamedTuple):
    """Labels that look like markers of a missing one.

    Attributes:
        certain: Those that hardly are a class.
        possible: Those that may be one.
    """

    certain: list[str]
    possible: list[str]


class SplitLabels(NamedTuple):
    """Labels that look like several labels with a separator.

    Attributes:
        separator: The separator.
        names: The labels.
    """

    separator: str
    names: list[str]


def find_markers(classes: Collection[str]) -> Markers:
    """The classes that look like markers of a missing label.

    Words such as `?`, `unk` or 未标注; and a number such as -1 or 999 beside whole numbers from 0 to 20.
    """
    keys = {name: re.sub(r"[\s_]+", "_", label_key(name)) for name in classes}
    certain = sorted(name for name, key in keys.items() if key in _CERTAIN)
    possible = sorted(name for name, key in keys.items() if key in _POSSIBLE)
    rest = [name for name, key in keys.items() if key not in _CERTAIN and key not in _POSSIBLE]
    numbers = sorted(all_numbers(rest))
    if len(numbers) > 2 or (len(numbers) == 2 and len(rest) == 2 and numbers[0] == -1):
        for number in (numbers[0], numbers[-1]):
            others = [other for other in numbers if other != number]
            if number in _NUMBERS and len(others) > 1 and others[0] >= 0 and others[-1] <= _MOST:
                possible += [name for name in rest if float(name) == number]
    return Markers(certain, possible)


def find_split_labels(classes: Collection[str]) -> SplitLabels | None:
    """The classes that look like several labels with a separator, since their parts occur elsewhere; None: none do."""
    for separator in _SEPARATORS:
        parts = {name: [part.strip() for part in name.split(separator)] for name in classes if separator in name}
        if separator == "#":
            parts = {name: each for name, each in parts.items() if all(each)}  # C# is a name
        alone = set(classes) - set(parts)
        counts = Counter(chain.from_iterable(set(each) for each in parts.values()))
        repeated = {part for part, count in counts.items() if part and (part in alone or count > 1)}
        names = sorted(name for name, each in parts.items() if repeated.intersection(each))
        if names and len(names) * 2 >= len(parts):
            return SplitLabels(separator, names)
    return None
