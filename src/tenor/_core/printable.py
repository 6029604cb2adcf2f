"""Text that is safe to show: characters that move the cursor, hide or reorder text, or end a line are escaped.

Names and values of any length are shortened.

Labels, column names, file names and texts may come from anybody. On a terminal, a control character could rewrite the
screen or send keys. In a log, a line end could forge a line. Marks of direction show words in another order ("Trojan
Source", Boucher and Anderson, 2023). Letters of all scripts, emoji, their joiners and variation selectors do not
change. CSV and JSON for programs do not go through this.
"""

import re

# Control characters (C0, DEL, C1), marks of direction, separators of lines and paragraphs, marks without width
# (except joiners), surrogates.
_HIDDEN = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
_ALL = re.compile(f"[{_HIDDEN}]")
_BUT_TABS = re.compile(f"(?!\t)[{_HIDDEN}]")
_BUT_LINES = re.compile(f"(?![\t\n])[{_HIDDEN}]")

_LONGEST_NAME, _SHOWN_BEGINNING, _SHOWN_END = 200, 150, 40  # characters

# The password of a URL goes up to its last @: SQLAlchemy allows / and ? in it. Drivers read secrets in the query.
_URL_PASSWORD = re.compile(r"([a-z][a-z0-9+.-]*://[^\s:/@]*:)\S*(@)", re.IGNORECASE)
_SECRETS = "password|passwd|pwd|pass|passcode|passphrase|sslpassword|token|access_token|secret|private_key|odbc_connect"
_QUERY_PASSWORD = re.compile(rf"([?&](?:{_SECRETS})=)[^\s&]*", re.IGNORECASE)


def printable(text: str) -> str:
    r"""The text on one line: an escape character as `\x1b`, a line end as `\n`, a mark of direction as `\u202e`."""
    return _ALL.sub(_escaped, text)


def printable_row(text: str) -> str:
    """The text on one line; tabs stay, since they separate columns."""
    return _BUT_TABS.sub(_escaped, text)


def printable_lines(text: str) -> str:
    """The text with its tabs and line ends, for a place of its own such as a text box."""
    return _BUT_LINES.sub(_escaped, text)


def printable_json(line: str) -> str:
    r"""A line of JSON with the same value; characters that JSON leaves unescaped become `\u202e`, say."""
    return _ALL.sub(lambda match: f"\\u{ord(match[0]):04x}", line)


def without_passwords(text: str) -> str:
    """The text with `***` for the passwords of URLs: `postgresql://me:***@host/shop`."""
    return _QUERY_PASSWORD.sub(r"\1***", _URL_PASSWORD.sub(r"\1***\2", text))


def shortened(name: str) -> str:
    """The name, or the beginning and the end of one that is too long for a message."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_SHOWN_BEGINNING]}...{name[-_SHOWN_END:]}"


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()
