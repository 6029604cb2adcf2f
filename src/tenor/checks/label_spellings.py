"""Which labels are spellings of one class, and which have so similar names that they may be one.

The rule for one class: the labels are equal without case, blanks, full-width forms and the punctuation between words.
Punctuation between two digits counts, and so does all of a label that has no letter or digit.
"""

import difflib
import re
from collections import Counter
from collections.abc import Mapping
from itertools import combinations

from tenor.data.label_values import label_key, to_number

_MARKS = r"[\s\-_./,;:'\"!?()&·、，。：；！？（）]+"
_BETWEEN_WORDS = re.compile(rf"(?<!\d){_MARKS}|{_MARKS}(?!\d)")
_WORD = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"\d+")
_UNITS = {"dept", "department", "team", "group", "type", "class", "category", "desk", "unit"}
_HAN_UNITS = ("部门", "部", "组", "类", "科", "处", "中心", "团队")
_SYNONYMS = (
    "y yes 是",
    "n no 否",
    "t true",
    "f false",
    "1 yes true",
    "0 no false",
    "m male 男",
    "f female 女",
    "pos positive 正面 正向 积极",
    "neg negative 负面 负向 消极",
    "neu neutral 中性 中立",
)
_MAX_COMPARED = 300  # labels
_MAX_CHARACTERS = 60  # of a label that is compared
_ALIKE = 0.9  # of two names, as difflib computes it
_MIN_CHARACTERS = 5  # in shorter names one other letter makes another word


def fold_label(label: str) -> str:
    """A label without what its spellings may differ in."""
    key = label_key(label)
    return key if to_number(key) is not None else _BETWEEN_WORDS.sub("", key) or key


def best_spellings(rows_of: Mapping[str, int]) -> dict[str, str]:
    """For each folded label the spelling of most rows; of equally frequent ones the first.

    Args:
        rows_of: How many rows each label has, as the file has it.
    """
    counts = Counter[str]()
    for label, n_rows in rows_of.items():
        counts[label.strip()] += n_rows
    best: dict[str, str] = {}
    for label, _ in counts.most_common():
        best.setdefault(fold_label(label), label)
    return best


def synonym_pairs(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Pairs of labels that say the same in a short form or another language, the rarer one first: `Y` and `Yes`.

    Args:
        counts: How many rows each label has.
    """
    names = {fold_label(label): label for label in counts}
    pairs = dict[tuple[str, str], None]()
    for group in map(str.split, _SYNONYMS):
        present = sorted((names[each] for each in group if each in names), key=lambda label: counts[label])
        pairs.update(((label, present[-1]), None) for label in present[:-1])
    return list(pairs)


def similar_pairs(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Pairs of labels that may be one class: the rarer one, then the more frequent one.

    Names are similar if one is the other with a word for a unit (`billing dept`, 信用卡部), is the other without its
    first or last word, or differs in a letter or two. Labels that differ in digits are not; long ones are not compared.

    Args:
        counts: How many rows each label has.
    """
    pairs = []
    compared = [label for label in counts if len(label) <= _MAX_CHARACTERS][:_MAX_COMPARED]
    for one, other in combinations(compared, 2):
        if _are_similar(one, other):
            rare, usual = sorted((one, other), key=lambda label: counts[label])
            pairs.append((rare, usual))
    return sorted(pairs, key=lambda pair: counts[pair[0]])


def _are_similar(one: str, other: str) -> bool:
    short, long = sorted((label_key(one), label_key(other)), key=len)
    if fold_label(one) == fold_label(other) or _DIGITS.findall(short) != _DIGITS.findall(long):
        return False
    words, more = _WORD.findall(short), _WORD.findall(long)
    extra = [word for word in more if word not in words]
    if len(extra) == 1 == len(more) - len(words) and set(words) < set(more):
        return extra[0] in _UNITS or (len(words) > 1 and extra[0] in (more[0], more[-1]) and not _negates(extra[0]))
    if any(long == short + unit for unit in _HAN_UNITS):
        return True
    matcher = difflib.SequenceMatcher(None, short, long)
    return len(short) >= _MIN_CHARACTERS and matcher.quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE


def _negates(word: str) -> bool:
    return word in ("not", "no", "non", "un", "without", "never")
