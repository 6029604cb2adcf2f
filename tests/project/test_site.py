"""The site: how pages are staged, and, in a browser, what is built from them."""

import functools
import http.server
import importlib.util
import runpy
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mkdocs")
from helpers.browser import Browser, opened

ROOT = Path(__file__).parents[2]
SITE: dict[str, Any] = runpy.run_path(str(ROOT / "tools" / "site.py"))
ENGLISH, CHINESE = SITE["LANGUAGES"]


def test_links_of_a_page_lead_to_pages_of_the_site_and_others_to_the_repository() -> None:
    source = ROOT / "docs" / "how-to" / "page.md"
    links = {ROOT / "docs" / "reference" / "data.md": "reference/data.md", ROOT / "SECURITY.md": "project/security.md"}
    text = (
        "[a](../reference/data.zh.md#x) [b](../../SECURITY.md) [c](../../src/tenor/api.py)"
        " [d](https://example.org) [e](#f)"
        "\n```text\n[a](../../SECURITY.md)\n```\n"
    )
    changed = SITE["relink"](text, source, "how-to/page.md", links, "https://example.org/tenor", False)
    assert changed == (
        "[a](../reference/data.md#x) [b](../project/security.md) [c](https://example.org/tenor/tree/main/src/tenor/api.py)"
        " [d](https://example.org) [e](#f)\n```text\n[a](../../SECURITY.md)\n```\n"
    )


@pytest.mark.parametrize("language", [ENGLISH, CHINESE], ids=lambda language: language.code)
def test_every_page_is_in_the_navigation_and_in_its_language(language: Any, tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    SITE["stage"](pages, language, "https://example.org/tenor")
    listed: list[str] = []
    for entry in SITE["navigation"](pages, language):
        listed += [entry] if isinstance(entry, str) else next(iter(entry.values()))
    written = [path.relative_to(pages).as_posix() for path in pages.rglob("*.md")]
    assert sorted(listed) == sorted(written)
    assert not [name for name in written if ".zh." in name]
    start = (pages / "tutorials" / "first-model.md").read_text(encoding="utf-8")
    assert start.startswith("# 五分钟" if language is CHINESE else "# Your first model")


def test_an_anchor_of_an_english_page_becomes_that_of_its_chinese_twin() -> None:
    page = ROOT / "docs" / "reference" / "data.md"
    assert SITE["chinese_anchor"](page, "limits") == "限制"
    assert SITE["chinese_anchor"](ROOT / "SECURITY.md", "anything") == "anything"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the site that is built for these tests, up to the folder of the language."""
    if importlib.util.find_spec("jieba") is None:
        pytest.skip("jieba, which splits Chinese for the search, is not installed")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "site.py", folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        [version] = [path.name for path in folder.iterdir() if path.is_dir()]
        yield f"http://127.0.0.1:{server.server_port}/{version}/"
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """A handler that logs nothing."""

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with ExitStack() as stack:
        yield opened(stack, tmp_path / "profile")


def show(browser: Browser, address: str, width: int) -> None:
    """Open a page in a window of some width."""
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
    browser.call("Page.navigate", url=address)
    browser.until("document.readyState === 'complete' && document.querySelector('.md-content h1') !== null")


@pytest.mark.docs
@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_open_without_errors_or_requests_to_elsewhere(browser: Browser, address: str, language: str) -> None:
    for page in ("index", "tutorials/first-model", "reference/families", "reference/api", "how-to/index", "glossary"):
        for width in (1280, 390):
            show(browser, f"{address}{language}/{page}.html", width)
            assert browser.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page
    assert browser.broken == []
    assert [url for url in browser.requests if not url.startswith((address, "data:", "blob:"))] == []


@pytest.mark.docs
@pytest.mark.browser
@pytest.mark.parametrize(("language", "page"), [("en", "tutorials/first-model"), ("zh", "index")])
def test_pages_are_accessible(browser: Browser, address: str, language: str, page: str) -> None:
    for width in (1280, 390):
        show(browser, f"{address}{language}/{page}.html", width)
        browser.until("document.querySelector('.md-code__nav') !== null")
        assert browser.accessible() == []


@pytest.mark.docs
@pytest.mark.browser
def test_the_other_language_shows_the_same_page(browser: Browser, address: str) -> None:
    show(browser, f"{address}en/reference/families.html", 1280)
    link = browser.value("document.querySelector('.md-header a[hreflang]').href")
    assert link == f"{address}zh/reference/families.html"
    show(browser, link, 1280)
    assert browser.value("document.documentElement.lang") == "zh"


@pytest.mark.docs
@pytest.mark.browser
@pytest.mark.parametrize(("language", "query"), [("en", "calibration"), ("zh", "校准")])
def test_the_search_finds_words_of_both_languages(browser: Browser, address: str, language: str, query: str) -> None:
    show(browser, f"{address}{language}/index.html", 1280)
    browser.value("document.querySelector('.md-search__input').focus(), 1")
    browser.call("Input.insertText", text=query)
    browser.until("document.querySelectorAll('.md-search-result__item').length > 1")
