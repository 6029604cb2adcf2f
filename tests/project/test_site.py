"""The site: how pages are staged, and, in a browser, what is built from them."""

import functools
import http.server
import importlib.util
import json
import runpy
import shutil
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mkdocs")
import tenor
from helpers.browser import Browser, opened

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))  # where its other files are
SITE: dict[str, Any] = runpy.run_path(str(ROOT / "tools" / "site.py"))
sys.path.remove(str(ROOT / "tools"))
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
    SITE["stage"](pages, language, "https://example.org/tenor", tmp_path)
    listed: list[str] = []
    for entry in SITE["navigation"](pages, language):
        part = entry if isinstance(entry, str) else next(iter(entry.values()))
        listed += [part] if isinstance(part, str) else part
    written = [path.relative_to(pages).as_posix() for path in pages.rglob("*.md")]
    assert sorted(listed) == sorted(written)
    assert not [name for name in written if ".zh." in name]
    start = (pages / "tutorials" / "first-model.md").read_text(encoding="utf-8")
    assert start.startswith("# 五分钟" if language is CHINESE else "# Your first model")


@pytest.mark.parametrize("language", [ENGLISH, CHINESE], ids=lambda language: language.code)
def test_a_chapter_links_to_its_notebook_in_its_language(language: Any, tmp_path: Path) -> None:
    for name in ("02-neuron.ipynb", "02-neuron.zh.ipynb"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    SITE["stage"](tmp_path / "pages", language, "https://example.org/tenor", tmp_path)
    guide = tmp_path / "pages" / "guide"
    source = "02-neuron.zh.ipynb" if language is CHINESE else "02-neuron.ipynb"
    assert (guide / "02-neuron.ipynb").read_text(encoding="utf-8") == source
    lines = (guide / "02-neuron.md").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# 2.") and lines[2].startswith(f"[{language.notebook}](02-neuron.ipynb)")


@pytest.mark.parametrize("version", ["latest", "..", "a/b", ""])
def test_a_version_that_cannot_name_a_folder_is_refused(version: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        SITE["parse"](["--version", version])
    assert f"--version {version}: use letters" in capsys.readouterr().err
    assert SITE["parse"](["--version", "0.3.0.dev1"]).version == "0.3.0.dev1"
    assert SITE["parse"]([]).version == tenor.__version__


def test_an_anchor_of_an_english_page_becomes_that_of_its_chinese_twin() -> None:
    page = ROOT / "docs" / "reference" / "data.md"
    assert SITE["chinese_anchor"](page, "limits") == "限制"
    assert SITE["chinese_anchor"](ROOT / "SECURITY.md", "anything") == "anything"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site with two versions: the present one, and a copy of it as 0.1.0 that lacks a page."""
    if importlib.util.find_spec("jieba") is None:
        pytest.skip("jieba, which splits Chinese for the search, is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, ROOT / "tools" / "site.py", folder, "--without-results"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for language in ("en", "zh"):
        old = shutil.copytree(folder / language / tenor.__version__, folder / language / "0.1.0")
        (old / "reference" / "report.html").unlink()
        lines = (old / "sitemap.xml").read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if "reference/report" not in line]
        assert len(kept) == len(lines) - 1
        (old / "sitemap.xml").write_text("\n".join(kept), encoding="utf-8")
        SITE["site_versions"].write_versions(folder / language)
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def english(site: str) -> str:
    """The address of the English pages of the present version."""
    return f"{site}en/{tenor.__version__}/"


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


def arrived(browser: Browser, address: str) -> bool:
    """Whether the browser gets to an address in ten seconds."""
    for _ in range(200):
        # The target answers while its page changes; the page itself does not.
        if urllib.parse.unquote(browser.call("Target.getTargetInfo")["targetInfo"]["url"]) == address:
            return True
        time.sleep(0.05)
    return False


PAGES = (
    "index",
    "tutorials/first-model",
    "guide/03-losses",
    "how-to/onnx",
    "reference/families",
    "reference/commands",
    "reference/api",
    "explanation/trust",
    "glossary",
    "project/changelog",
)


@pytest.mark.docs
@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_open_without_errors_or_requests_to_elsewhere(browser: Browser, site: str, language: str) -> None:
    for page in PAGES:
        for width in (1280, 390):
            show(browser, f"{site}{language}/{tenor.__version__}/{page}.html", width)
            assert browser.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page
    assert browser.broken == []
    assert [url for url in browser.requests if not url.startswith((site, "data:", "blob:"))] == []


@pytest.mark.docs
@pytest.mark.browser
@pytest.mark.parametrize(
    ("language", "scheme", "page"),
    [
        ("en", "light", "index"),
        ("zh", "dark", "index"),
        ("zh", "light", "guide/03-losses"),
        ("en", "dark", "guide/03-losses"),
        ("en", "light", "how-to/onnx"),
        ("zh", "light", "reference/commands"),
        ("en", "dark", "explanation/trust"),
        ("zh", "light", "glossary"),
    ],
)
def test_pages_are_accessible(browser: Browser, site: str, language: str, scheme: str, page: str) -> None:
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    for width in (1280, 390):
        show(browser, f"{site}{language}/{tenor.__version__}/{page}.html", width)
        browser.until("document.querySelector('.md-version') !== null")
        assert browser.accessible() == [], width


@pytest.mark.docs
@pytest.mark.browser
def test_the_other_language_shows_the_same_page(browser: Browser, site: str, english: str) -> None:
    show(browser, f"{english}reference/families.html", 1280)
    link = browser.value("document.querySelector('.md-header a[hreflang]').href")
    assert link == f"{site}zh/{tenor.__version__}/reference/families.html"
    show(browser, link, 1280)
    assert browser.value("document.documentElement.lang") == "zh"


@pytest.mark.docs
@pytest.mark.browser
@pytest.mark.parametrize(("language", "query"), [("en", "calibration"), ("zh", "校准")])
def test_the_search_finds_words_of_both_languages(browser: Browser, site: str, language: str, query: str) -> None:
    show(browser, f"{site}{language}/{tenor.__version__}/index.html", 1280)
    browser.value("document.querySelector('.md-search__input').focus(), 1")
    browser.call("Input.insertText", text=query)
    browser.until("document.querySelectorAll('.md-search-result__item').length > 1")


@pytest.mark.docs
@pytest.mark.browser
def test_a_reader_can_choose_another_version_of_a_page(browser: Browser, site: str, english: str) -> None:
    show(browser, f"{english}reference/families.html", 1280)
    names = browser.until("[...document.querySelectorAll('.md-version__link')].map(each => each.innerText)")
    assert names == [tenor.__version__, "0.1.0"]
    assert browser.value("document.querySelector('[data-md-component=outdated]').hidden")
    browser.value("document.querySelectorAll('.md-version__link')[1].click(), 1")
    assert arrived(browser, f"{site}en/0.1.0/reference/families.html")
    browser.until("document.querySelector('[data-md-component=outdated]')?.hidden === false")
    show(browser, f"{english}reference/report.html", 1280)  # which 0.1.0 does not have
    browser.until("document.querySelector('.md-version__link') !== null")
    browser.value("document.querySelectorAll('.md-version__link')[1].click(), 1")
    assert arrived(browser, f"{site}en/0.1.0/")
    assert browser.broken == []


@pytest.mark.docs
@pytest.mark.browser
def test_the_first_page_and_the_latest_version_lead_to_the_present_pages(
    browser: Browser, site: str, english: str
) -> None:
    browser.call("Page.navigate", url=site)
    assert arrived(browser, f"{english}index.html")
    browser.call("Page.navigate", url=f"{site}zh/latest/reference/data.html#限制")
    assert arrived(browser, f"{site}zh/{tenor.__version__}/reference/data.html#限制")


@pytest.mark.docs
@pytest.mark.browser
def test_a_term_leads_to_its_meaning(browser: Browser, english: str) -> None:
    show(browser, f"{english}guide/03-losses.html", 1280)
    browser.value("document.querySelector('a.term[href$=cross-entropy]').click(), 1")
    assert arrived(browser, f"{english}glossary.html#term-cross-entropy")
    assert "lower is better" in browser.until("document.querySelector('tr:target')?.innerText")


@pytest.mark.docs
def test_the_site_has_the_notebooks_of_the_guide(site: str) -> None:
    for language, text in (("en", "# 3. Losses"), ("zh", "# 3. 损失")):
        with urllib.request.urlopen(f"{site}{language}/{tenor.__version__}/guide/03-losses.ipynb") as answer:
            assert "".join(json.load(answer)["cells"][0]["source"]).startswith(text)
