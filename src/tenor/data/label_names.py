"""Spellings of labels: which are the same label, and which one is used.

A label may reach Tenor as 1, 1.0, "1" or true, TRUE, True, depending on the format of the file and the program that
wrote it. The labels of a column that are all whole numbers or all truth values get one spelling each. The labels of
other rows, such as a test file, are matched to those that are known already.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from tenor._core.language import join_names, tr
from tenor.data.label_source import LabelSource
from tenor.data.label_values import EXACT_INTEGERS, label_key, to_number
from tenor.tasks import Label

_TRUTH = {"true": "1", "false": "0"}


def canonical_spellings(names: Collection[str]) -> dict[str, str]:
    """New spellings of labels: 1 for 1.0 if all are whole numbers, and true for TRUE if all are true or false.

    Labels that keep their spelling are left out.
    """
    folded = {name: name.casefold() for name in names}
    if not all(name in _TRUTH for name in folded.values()):
        folded = {}
        for name in names:
            number = to_number(name)
            if number is None or not number.is_integer() or abs(number) >= EXACT_INTEGERS:
                return {}
            folded[name] = str(int(number))
    return {name: spelling for name, spelling in folded.items() if name != spelling}


def respell(labels: LabelSource) -> tuple[LabelSource, str]:
    """Labels or sets of labels in the spelling of `canonical_spellings`, and a sentence on what changed."""
    distinct = labels.distinct()
    names = dict.fromkeys(name for label in distinct for name in _names(label))
    spellings = canonical_spellings(names)
    if not spellings:
        return labels, ""
    return labels.rename(rename_labels(distinct, spellings)), spelling_note(spellings)


def rename_labels(labels: Iterable[Label], spellings: Mapping[str, str]) -> dict[Label, Label]:
    """Each label, or set of labels, with its new spelling."""
    return {
        label: spellings.get(label, label)
        if isinstance(label, str)
        else tuple(dict.fromkeys(spellings.get(name, name) for name in label))
        for label in labels
    }


def _names(label: Label) -> Sequence[str]:
    return (label,) if isinstance(label, str) else label


def match_names(names: Iterable[str], known: Sequence[str]) -> dict[str, str]:
    """The known label that each name spells differently. Known names, and those that fit none or several, are left out.

    True and false stand for 1 and 0 where one side has these and the other side has those.
    """
    keys = list(map(label_key, known))
    counts = Counter(keys)
    of_key = {key: name for key, name in zip(keys, known, strict=True) if counts[key] == 1}
    key_of = {name: label_key(name) for name in dict.fromkeys(names).keys() - set(known)}
    matched = {name: of_key[key] for name, key in key_of.items() if key in of_key}
    return matched or {name: of_key[key] for name, key in _numbers_for_truth(key_of, of_key).items()}


def _numbers_for_truth(key_of: Mapping[str, str], of_key: Mapping[str, str]) -> dict[str, str]:
    """The known key of each name if names are 0 and 1, and true and false are known, or the other way round."""
    for pairs in (_TRUTH, {number: word for word, number in _TRUTH.items()}):
        if set(of_key) == set(pairs.values()) and set(key_of.values()) <= set(pairs):
            return {name: pairs[key] for name, key in key_of.items()}
    return {}


def spelling_note(spellings: Mapping[str, str], most: int = 10) -> str:
    """A sentence on labels that are read in another spelling; empty if there are none."""
    if not spellings:
        return ""
    pairs = [
        tr("{name!r} as {spelling!r}", name=name, spelling=spelling) for name, spelling in sorted(spellings.items())
    ]
    more = tr(", ... ({n_pairs:,} in all)", n_pairs=len(pairs)) if len(pairs) > most else ""
    return tr("labels are read in another spelling: {pairs}{more}.", pairs=join_names(pairs[:most]), more=more)
