"""The report of a model and the page of explanations in a real browser: on screens, on paper, in two languages."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from helpers import browser
from helpers.browser import Browser
from tenor import load
from tenor._core.language import use_language
from tenor.config.run_config import RunConfig
from tenor.explanation import page, report
from tenor.inference import bundle
from tenor.training import pipeline

pytestmark = pytest.mark.browser

# Width, scheme of colours, and medium.
MODES = {
    "light": (1100, "light", ""),
    "dark": (1100, "dark", ""),
    "narrow": (375, "light", ""),
    "print": (760, "light", "print"),
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with ExitStack() as stack:
        yield browser.opened(stack, tmp_path_factory.mktemp("profile"))


@pytest.fixture(scope="module", params=["en", "zh"])
def pages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Path]]:
    """The language, and the pages of a model of three classes, some of whose rows have a wrong label."""
    folder = tmp_path_factory.mktemp(request.param)
    texts = {
        "en": ("a fine film", "a dull film", "a long film"),
        "zh": ("这部电影很好看", "这部电影很无聊", "这部电影太长了"),
    }
    shown = texts[request.param]
    labels = ("good", "bad", "so & so <b>")
    rows = [f'"{shown[row % 3]} {row}","{labels[(row + (row % 7 == 3)) % 3]}"\n' for row in range(150)]
    (folder / "rows.csv").write_text("text,label\n" + "".join(rows), encoding="utf-8")
    model = folder / "model"
    pipeline.train(RunConfig(str(folder / "rows.csv"), family="ngram", out=str(model), lang=request.param))
    rows_of = str(folder / "rows.csv")
    told = report.build_report(
        load(model), model, [f"{shown[0]}, {shown[1]}"], report.ExplainRequest(data=rows_of, nearest_in=rows_of)
    )
    with use_language(request.param):
        (folder / "why.html").write_text(page.render(told), encoding="utf-8")
    return request.param, {"report": model / bundle.REPORT, "why": folder / "why.html"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["report", "why"])
def test_a_page_is_readable_and_asks_for_nothing(
    opened: Browser, pages: tuple[str, dict[str, Path]], name: str, mode: str
) -> None:
    lang, (width, scheme, medium) = pages[0], MODES[mode]
    address = pages[1][name].as_uri()
    opened.call(
        "Emulation.setEmulatedMedia", media=medium, features=[{"name": "prefers-color-scheme", "value": scheme}]
    )
    opened.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500)
    opened.events.clear()
    opened.call("Page.navigate", url=address)
    opened.until(f"location.href === {address!r} && document.readyState === 'complete'")

    assert opened.value("document.documentElement.lang") == {"en": "en", "zh": "zh-Hans"}[lang]
    assert opened.value("document.documentElement.scrollWidth") <= width  # nothing is cut off or scrolls sideways
    ground = opened.value("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    if name == "report":
        assert opened.value("getComputedStyle(document.querySelector('nav')).display === 'none'") == (mode == "print")
        assert opened.value(
            "[...document.querySelectorAll('svg')].every(each => each.getBoundingClientRect().width > 200)"
        )
    assert opened.broken == []
    assert opened.requests == [address]
    if mode in ("light", "dark"):  # what axe looks at is the same in the others
        assert opened.accessible() == []
