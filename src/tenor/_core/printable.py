"""Text as people can be shown it: what moves a cursor, hides or reorders characters, or ends a line stands escaped.

Labels, columns, file names and texts come from anywhere. On a terminal, a control character in them could rewrite what
stands there or send keys; in a log, a line end could forge a line; and marks of direction show words in another order
than they have ("Trojan Source", Boucher and Anderson, 2023). Letters of all scripts, emoji, their joiners and variation
selectors stay as they are. CSV and JSON, which programs read, are never changed by this.
"""

import re

# Control characters (C0, DEL, C1), marks of direction, separators of lines and paragraphs, marks without width
# (but joiners), halves of surrogate pairs.
_HIDDEN = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
_ALL = re.compile(f"[{_HIDDEN}]")
_BUT_TABS = re.compile(f"(?!\t)[{_HIDDEN}]")
_BUT_LINES = re.compile(f"(?![\t\n])[{_HIDDEN}]")


def printable(text: str) -> str:
    r"""The text on one line: an escape character as `\x1b`, a line end as `\n`, a mark of direction as `\u202e`."""
    return _ALL.sub(_escaped, text)


def printable_row(text: str) -> str:
    """The text on one line; tabs stay, which part its columns."""
    return _BUT_TABS.sub(_escaped, text)


def printable_lines(text: str) -> str:
    """The text with its tabs and line ends: for where it stands by itself, such as a box of a page."""
    return _BUT_LINES.sub(_escaped, text)


def printable_json(line: str) -> str:
    r"""A line of JSON that has the same value, with what JSON itself leaves as it is as `\u202e`."""
    return _ALL.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
