"""The language of a page of the documentation."""

from pathlib import PurePath


def language_of(page: str | PurePath) -> str:
    """The language in which the commands of a page speak: Chinese for `page.zh.md`, else English."""
    return "zh" if PurePath(page).name.endswith(".zh.md") else "en"
