"""Versions of the site side by side."""

import json
import runpy
from pathlib import Path

import pytest

TOOL = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "site_versions.py"))


def site(folder: Path, *names: str) -> Path:
    """The folder of a language with an index page and another page for each version."""
    for name in names:
        (folder / name / "how-to").mkdir(parents=True)
        (folder / name / "index.html").write_text(name, encoding="utf-8")
        (folder / name / "how-to" / "page.html").write_text(name, encoding="utf-8")
    return folder


def test_versions_are_sorted_by_their_numbers_the_newest_first(tmp_path: Path) -> None:
    names = ["0.9.0", "0.10.0", "0.10.0rc1", "0.10.0.dev1", "dev", "0.2"]
    assert TOOL["versions"](site(tmp_path, *names)) == ["0.10.0", "0.10.0rc1", "0.10.0.dev1", "0.9.0", "0.2", "dev"]


def test_a_folder_without_pages_is_not_a_version(tmp_path: Path) -> None:
    (site(tmp_path, "0.2.0") / "0.1.0").mkdir()
    assert TOOL["versions"](tmp_path) == ["0.2.0"]


@pytest.mark.parametrize(
    ("names", "newest"),
    [(["0.3.0rc1", "0.2.0", "0.1.0"], "0.2.0"), (["0.3.0.dev1", "dev"], "0.3.0.dev1"), (["dev"], "dev")],
)
def test_the_latest_version_is_the_newest_release(names: list[str], newest: str) -> None:
    assert TOOL["newest"](names) == newest


def test_the_file_of_versions_names_the_latest_one_and_its_pages_lead_there(tmp_path: Path) -> None:
    assert TOOL["write_versions"](site(tmp_path, "0.1.0", "0.2.0")) == "0.2.0"
    assert json.loads((tmp_path / "versions.json").read_text(encoding="utf-8")) == [
        {"version": "0.2.0", "title": "0.2.0", "aliases": ["latest"]},
        {"version": "0.1.0", "title": "0.1.0", "aliases": []},
    ]
    assert "../../0.2.0/how-to/page.html" in (tmp_path / "latest" / "how-to" / "page.html").read_text(encoding="utf-8")
    (tmp_path / "0.2.0" / "how-to" / "page.html").unlink()
    TOOL["write_versions"](tmp_path)
    assert not (tmp_path / "latest" / "how-to" / "page.html").exists()  # a page that is gone
    assert (tmp_path / "0.1.0" / "how-to" / "page.html").exists()
