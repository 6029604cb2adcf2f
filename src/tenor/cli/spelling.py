"""Options in messages: the library spells them as Python does, the command line as flags."""

import re
import shlex

OPTION = re.compile(r"`([a-z_0-9]+)=(\.\.\.|[A-Z]+|True|False|'[^'`]*')`")
_FLAGS = {
    "by": "--slice",
    "features": "--feature",
    "fold_chinese=False": "--no-fold-chinese",
    "maximum_latency": "--max-latency",
    "maximum_size": "--max-size",
    "missing_labels": "--missing-label",
    "header=False": "--no-header",
    "on_disk=False": "--in-memory",
    "pair=False": "--no-pair",
}
"""The flags that are not an option's name with dashes."""


def with_flags(text: str) -> str:
    """The text with each option as a flag: `--drop-empty` for `drop_empty=True` in backticks, `--out FILE` for
    `out=FILE`, `--group` for `group=...`.
    """
    return OPTION.sub(_flag, text)


def _flag(match: re.Match[str]) -> str:
    name, value = match.groups()
    flag = _FLAGS.get(f"{name}={value}") or _FLAGS.get(name) or f"--{name.replace('_', '-')}"
    return flag if value in ("...", "True", "False") else f"{flag} {shlex.quote(value.strip(chr(39)))}"
