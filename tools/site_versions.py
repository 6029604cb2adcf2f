"""Versions of the site side by side: which are there, the file for the selector, and the addresses of the latest one.

A language is a folder with a folder for each version. `versions.json` in it has the format of mike, which Material's
selector reads. `latest/` has the pages of the newest version as redirects, for links that should not grow old.
"""

import json
import os
import re
import shutil
from pathlib import Path

LATEST = "latest"
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(.*)")


def versions(language: Path) -> list[str]:
    """The versions in the folder of a language, the newest first."""
    names = [path.name for path in language.iterdir() if path.name != LATEST and (path / "index.html").exists()]
    return sorted(names, key=_order, reverse=True)


def _order(version: str) -> tuple[bool, int, int, int, bool, str]:
    """A key that sorts versions: names such as `dev` first, and 0.3.0.dev1 and 0.3.0rc1 before 0.3.0."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return False, 0, 0, 0, False, version
    return True, int(match[1]), int(match[2]), int(match[3] or 0), not match[4], match[4]


def newest(names: list[str]) -> str:
    """The version that is called the latest: the newest release, or the newest of all where there is no release."""
    return next((name for name in names if _order(name)[4]), names[0])


def write_versions(language: Path) -> str:
    """Write `versions.json` and `latest/` in the folder of a language; returns the newest version."""
    names = versions(language)
    latest = newest(names)
    listed = [{"version": name, "title": name, "aliases": [LATEST] if name == latest else []} for name in names]
    (language / "versions.json").write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(language / LATEST, ignore_errors=True)
    for page in sorted((language / latest).rglob("*.html")):
        alias = language / LATEST / page.relative_to(language / latest)
        alias.parent.mkdir(parents=True, exist_ok=True)
        write_redirect(alias, os.path.relpath(page, alias.parent).replace(os.sep, "/"))
    return latest


def write_redirect(path: Path, target: str) -> None:
    """Write a page that leads to another one, and keeps the anchor where scripts run."""
    text = (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Tenor</title>\n'
        f'<meta http-equiv="refresh" content="1; url={target}">\n'
        f'<script>location.replace("{target}" + location.hash)</script>\n<a href="{target}">{target}</a>\n</html>\n'
    )
    path.write_text(text, encoding="utf-8")


def write_start(folder: Path, languages: list[str]) -> None:
    """Write the first page of the site: it leads to the language of the reader, the first one if it is not there.

    Args:
        folder: the folder of the site.
        languages: codes of its languages, such as `en`.
    """
    links = "".join(f'<li><a href="{code}/{LATEST}/index.html" hreflang="{code}">{code}</a></li>' for code in languages)
    text = (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Tenor</title>\n'
        f'<meta http-equiv="refresh" content="1; url={languages[0]}/{LATEST}/index.html">\n<script>\n'
        f"const languages = {json.dumps(languages)};\n"
        "const wanted = navigator.languages.map(each => each.slice(0, 2)).find(each => languages.includes(each));\n"
        f"location.replace(`${{wanted ?? languages[0]}}/{LATEST}/index.html`);\n</script>\n<ul>{links}</ul>\n</html>\n"
    )
    (folder / "index.html").write_text(text, encoding="utf-8")
