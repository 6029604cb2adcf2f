"""The page in a real browser, through its debugging protocol; skipped where there is no Chromium."""

import csv
import io
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import tenor
from helpers.browser import Browser, listening, opened
from tenor.config.run_config import RunConfig
from tenor.data.correction_store import CorrectionStore
from tenor.training import pipeline

pytestmark = pytest.mark.browser


@pytest.fixture
def folders(model_folder: Path) -> list[Path]:
    """The models that are served."""
    return [model_folder]


@pytest.fixture
def page(tmp_path: Path, folders: list[Path]) -> Iterator[tuple[Browser, str, Path]]:
    """A browser, the address of a server that keeps corrections, and its file."""
    with ExitStack() as stack:
        shown = opened(stack, tmp_path / "profile")
        kept = tmp_path / "kept.db"
        models = [str(folder) for folder in folders]
        serve = [sys.executable, "-m", "tenor", "serve", *models, "--port", "0", "--corrections", str(kept)]
        address = listening(stack, serve, r"listening on (\S+)")
        yield shown, address, kept


def test_a_person_corrects_a_text_with_the_keyboard_in_two_languages(page: tuple[Browser, str, Path]) -> None:
    browser, address, kept = page
    browser.call("Page.navigate", url=address)
    browser.until("document.title.startsWith('Tenor: ')")
    browser.value("document.getElementById('text').focus()")
    browser.call("Input.insertText", text="a superb, moving film <b>好看</b> 😀")
    assert browser.until("document.querySelector('li.assigned span')?.textContent") == "positive"
    assert browser.until("document.querySelectorAll('.text mark').length > 2")
    assert browser.value("document.querySelectorAll('.text b').length") == 0

    browser.value("document.querySelector('summary').focus()")
    browser.key("Enter", 13)
    assert browser.until("document.querySelector('details').open")
    assert "stores your text" in browser.value("document.querySelector('details').innerText")
    browser.key("Tab", 9)
    assert browser.value("[document.activeElement.tagName, document.activeElement.value].join()") == "SELECT,negative"
    assert browser.value("document.activeElement.getAttribute('aria-label')") == "Correct label"
    browser.key("Tab", 9)
    browser.key("Enter", 13)
    assert browser.until("document.querySelector('details [role=status]').textContent") == "Saved. Thank you."
    store = CorrectionStore(str(kept), create=False)
    [chunk] = store.table().chunks
    store.close()
    assert chunk.columns["text"] == ["a superb, moving film <b>好看</b> 😀"]
    assert (chunk.columns["predicted"], chunk.columns["label"]) == (["positive"], ["negative"])

    browser.value("const l = document.getElementById('language'); l.value = 'zh'; l.dispatchEvent(new Event('change'))")
    assert browser.until("document.querySelector('summary')?.textContent.startsWith('预测有误') && 'zh'") == "zh"
    assert browser.value("document.documentElement.lang") == "zh-Hans"

    assert browser.broken == []
    assert browser.requests and all(url.startswith((address, "data:")) for url in browser.requests)


class TestSeveral:
    """Models of three tasks side by side."""

    @pytest.fixture
    def folders(self, tmp_path: Path, model_folder: Path) -> list[Path]:
        rows = [
            {
                "text": f"{'red' * (row % 2)} {'blue' * (row % 3 > 0)} thing {row}",
                "label": ["red"] * (row % 2) + ["blue"] * (row % 3 > 0),
                "n": row % 2 + row / 1000,
            }
            for row in range(90)
        ]
        data = tmp_path / "rows.jsonl"
        data.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        quick: dict[str, Any] = {"family": "ngram", "report": False, "text": "text"}
        numbers = pipeline.train(
            RunConfig(str(data), label="n", task="regression", out=str(tmp_path / "numbers"), **quick)
        )
        sets = pipeline.train(RunConfig(str(data), label="label", out=str(tmp_path / "集合"), **quick))
        return [model_folder, numbers.folder, sets.folder]

    def test_all_can_use_them_and_have_a_file_labelled(
        self, page: tuple[Browser, str, Path], folders: list[Path], tmp_path: Path
    ) -> None:
        browser, address, _ = page
        browser.call("Page.navigate", url=address)
        browser.until("document.title.startsWith('Tenor: ')")
        browser.value("document.getElementById('text').focus()")
        browser.call("Input.insertText", text="a superb red blue thing")
        shown = "[...document.querySelectorAll('article:not([hidden]) h2')].map((each) => each.textContent).join()"
        names = ",".join(folder.name for folder in folders)
        assert browser.until(f"{shown} === {names!r} && {shown}") == names
        assert browser.until("document.querySelectorAll('.legend').length === 3")
        said = browser.until("document.getElementById('announcement').textContent")
        assert re.fullmatch(
            rf"{folders[0].name}: positive 0\.\d\d; numbers: [\d.]+; 集合: \w+ \d\.\d\d, \w+ \d\.\d\d", said
        )

        browser.value("for (const each of document.querySelectorAll('details')) each.open = true")
        for scheme in ("light", "dark"):
            browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            assert browser.accessible() == []
        browser.call("Emulation.setDeviceMetricsOverride", width=320, height=700, deviceScaleFactor=1, mobile=True)
        assert browser.value("document.documentElement.scrollWidth") <= 320
        assert browser.broken == []
        drop_a_file(browser, folders[0], tmp_path)
        assert [each for each in browser.broken if "413" not in json.dumps(each)] == []


class TestFields:
    """A model that reads a title, a body and a price."""

    @pytest.fixture
    def folders(self, tmp_path: Path) -> list[Path]:
        data = tmp_path / "rows.csv"
        lines = ["title,body,price,label\n"]
        for row in range(120):
            words = ("good", "liked") if row % 2 else ("bad", "hated")
            label = "pos" if row % 2 else "neg"
            lines.append(f"a {words[0]} film {row},we {words[1]} it {row},{row * row % 7},{label}\n")
        data.write_text("".join(lines))
        run = RunConfig(
            str(data),
            text=["title", "body"],
            features=["price"],
            family="ngram",
            report=False,
            out=str(tmp_path / "films"),
        )
        return [pipeline.train(run).folder]

    def test_each_field_has_an_input_and_a_file_is_labelled_by_name(
        self, page: tuple[Browser, str, Path], tmp_path: Path
    ) -> None:
        browser, address, kept = page
        browser.call("Page.navigate", url=address)
        browser.until("document.title.startsWith('Tenor: ')")
        names = "[...document.querySelectorAll('#fields label')].map((each) => each.textContent).join()"
        assert browser.value(names) == "title,body,price"
        assert browser.value("document.getElementById('text-box').hidden")
        browser.value("document.querySelector('#fields textarea').focus()")
        browser.call("Input.insertText", text="a good film")
        assert browser.until("document.querySelector('li.assigned span')?.textContent") == "pos"
        assert browser.until("document.querySelectorAll('.text mark').length > 0")
        shown = browser.value("document.querySelector('.text').textContent")
        assert "a good film" in shown
        assert "\x1f" not in shown
        headings = "[...document.querySelectorAll('.text .field')].map((each) => each.textContent).join()"
        assert browser.value(headings) == "title,price"
        assert browser.accessible() == []

        browser.value("document.querySelector('details').open = true")
        browser.value("document.querySelector('details button').click()")
        assert browser.until("document.querySelector('details [role=status]').textContent") == "Saved. Thank you."
        store = CorrectionStore(str(kept), create=False)
        [chunk] = store.table().chunks
        store.close()
        assert [chunk.columns[name] for name in ("title", "body", "label")] == [["a good film"], [""], ["neg"]]

        browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
        drop(browser, "in.csv", "id,title,body\n1,a bad film,we hated it\n2,a good film,we liked it\n")
        told = "document.getElementById('file-status').textContent"
        assert browser.until(f"{told}.includes('2 rows') && document.getElementById('column').disabled")
        browser.value("document.getElementById('start').click()")
        done = "Done: 2 rows; empty in every row: price"
        assert browser.until(f"{told}.startsWith('Done') && {told}") == done
        drop(browser, "in.csv", "id,headline\n1,a bad film\n")
        browser.until(f"{told}.includes('1 row')")
        browser.value("document.getElementById('start').click()")
        missing = "The file has no column: title, body, price"
        assert browser.until(f"{told}.startsWith('The file') && {told}") == missing
        assert browser.broken == []


def drop(browser: Browser, name: str, content: str) -> None:
    browser.value(
        f"""{{
            const given = new DataTransfer();
            given.items.add(new File([{json.dumps(content)}], {json.dumps(name)}));
            document.getElementById("drop").dispatchEvent(new DragEvent("drop", {{ dataTransfer: given }}));
        }}"""
    )


def drop_a_file(browser: Browser, model: Path, tmp_path: Path) -> None:
    """It comes back with the labels of the model."""
    texts = [f'a "superb",\nred thing {number}' if number % 2 else f"dull, {number} 好看" for number in range(250)]
    texts[:9] = [f"{number} {'dull ' * 50_000}" for number in range(9)]  # more than a request may have
    written = io.StringIO()
    csv.writer(written).writerows([("id", "text", "label"), *((number, text, "") for number, text in enumerate(texts))])
    browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    drop(browser, "in.csv", written.getvalue())
    told = "document.getElementById('file-status').textContent"
    assert browser.until(f"{told}.includes('250') && {told}") == "in.csv: 250 rows"
    assert browser.value("document.getElementById('column').selectedOptions[0].textContent") == "text"
    browser.value("document.getElementById('start').click()")
    assert browser.until(f"{told}.startsWith('Done') && {told}") == "Done: 250 rows"
    out = tmp_path / "in.labelled.csv"
    for _ in range(100):
        if out.is_file():
            break
        time.sleep(0.05)
    with out.open(encoding="utf-8-sig", newline="") as file:
        csv.field_size_limit(1 << 20)
        rows = list(csv.DictReader(file))
    assert [row["text"] == text for row, text in zip(rows, texts, strict=True)] == [True] * 250
    assert [row["predicted_label"] for row in rows] == tenor.load(model).predict(texts).tolist()
    drop(browser, "empty.csv", "id,text\n")
    assert browser.until(f"{told}.includes('no rows') && {told}") == "This file has no rows below its header."
    assert browser.value("document.getElementById('column').length") == 0


class TestModelsOfDifferentFields:
    """Two models that read other fields: each input says whose it is, and each model gets its own values."""

    @pytest.fixture
    def folders(self) -> list[Path]:
        """The models that are served."""
        golden = Path(__file__).parents[1] / "golden" / "format-4"
        return [golden / "fields", golden / "pair"]

    def test_each_input_names_its_model_and_only_that_answers(self, page: tuple[Browser, str, Path]) -> None:
        browser, address, _ = page
        browser.call("Page.navigate", url=address)
        browser.until("document.title.startsWith('Tenor: ')")
        names = "[...document.querySelectorAll('#fields label')].map((each) => each.textContent).join()"
        texts = "title (fields),body (fields),question1 (pair),question2 (pair)"
        assert browser.value(names) == f"{texts},price (fields),country (fields),day (fields)"
        browser.value("document.querySelectorAll('#fields textarea')[2].focus()")
        browser.call("Input.insertText", text="a good film")
        assert browser.until("document.querySelector('li.assigned span')?.textContent") == "positive"
        assert browser.value("document.querySelectorAll('li.assigned').length") == 1
