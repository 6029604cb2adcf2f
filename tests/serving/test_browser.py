"""The page in a real browser, through its debugging protocol; skipped where there is no Chromium."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tenor.serving.corrections import Store

connections = pytest.importorskip("websockets.sync.client")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """One page of a browser."""

    _session: Any = None

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._number = 0
        self.events: list[Any] = []
        opened = self.call("Target.createTarget", url="about:blank")
        self._session = self.call("Target.attachToTarget", targetId=opened["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """Ask the browser; what happens meanwhile goes into `events`."""
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters, **session}))
        while True:
            answer = json.loads(self._socket.recv(timeout=20))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def value(self, expression: str) -> Any:
        """The value of an expression of JavaScript on the page."""
        found = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str) -> Any:
        """The value of an expression once it is true."""
        for _ in range(200):
            if found := self.value(expression):
                return found
            time.sleep(0.05)
        raise AssertionError(f"never true: {expression}; the page: {self.value('document.body.innerText')}")

    def key(self, name: str, code: int) -> None:
        """Press a key and let it go."""
        text = {"text": "\r"} if name == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code, **text)


def listening(stack: ExitStack, command: list[str], line: str) -> str:
    """Start a program and wait for what it writes on standard error; the first group of that."""
    started = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def end() -> None:
        started.terminate()  # it then ends its own children
        started.communicate(timeout=20)

    stack.callback(end)
    assert started.stderr is not None
    for written in started.stderr:
        if found := re.match(line, written):
            return found[1]
    raise AssertionError(f"{command[0]} ended")


@pytest.fixture
def page(tmp_path: Path, model_folder: Path) -> Iterator[tuple[Browser, str, Path]]:
    """A browser, the address of a server that keeps corrections, and its file."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    with ExitStack() as stack:
        kept = tmp_path / "kept.db"
        serve = [sys.executable, "-m", "tenor", "serve", str(model_folder), "--port", "0", "--corrections", str(kept)]
        address = listening(stack, serve, r"listening on (\S+)")
        command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
        command += ["--disable-dev-shm-usage", "--no-first-run", "--lang=en", f"--user-data-dir={tmp_path / 'profile'}"]
        debugging = listening(stack, [*command, "about:blank"], r"DevTools listening on (\S+)")
        socket = stack.enter_context(connections.connect(debugging, max_size=None))
        yield Browser(socket), address, kept


def test_a_person_corrects_a_text_with_the_keyboard_in_two_languages(page: tuple[Browser, str, Path]) -> None:
    browser, address, kept = page
    browser.call("Page.navigate", url=address)
    browser.until("document.title.startsWith('Tenor: ')")
    browser.value("document.getElementById('text').focus()")
    browser.call("Input.insertText", text="a superb, moving film <b>好看</b> 😀")
    assert browser.until("document.querySelector('li.given span')?.textContent") == "positive"
    assert browser.value("document.querySelectorAll('mark').length") > 2
    assert browser.value("document.querySelectorAll('.text b').length") == 0

    browser.value("document.querySelector('summary').focus()")
    browser.key("Enter", 13)
    assert browser.until("document.querySelector('details').open")
    assert "keeps your text" in browser.value("document.querySelector('details').innerText")
    browser.key("Tab", 9)
    assert browser.value("[document.activeElement.tagName, document.activeElement.value].join()") == "SELECT,negative"
    assert browser.value("document.activeElement.getAttribute('aria-label')") == "It should be"
    browser.key("Tab", 9)
    browser.key("Enter", 13)
    assert browser.until("document.querySelector('details [role=status]').textContent") == "Kept. Thank you."
    store = Store(str(kept), make=False)
    [chunk] = store.table().chunks
    store.close()
    assert chunk.columns["text"] == ["a superb, moving film <b>好看</b> 😀"]
    assert (chunk.columns["predicted"], chunk.columns["label"]) == (["positive"], ["negative"])

    browser.value("const l = document.getElementById('language'); l.value = 'zh'; l.dispatchEvent(new Event('change'))")
    assert browser.until("document.querySelector('summary')?.textContent.startsWith('不对') && 'zh'") == "zh"
    assert browser.value("document.documentElement.lang") == "zh-Hans"

    broken = [each for each in browser.events if each["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")]
    assert broken == []
    asked = [
        each["params"]["request"]["url"] for each in browser.events if each["method"] == "Network.requestWillBeSent"
    ]
    assert asked and all(url.startswith((address, "data:")) for url in asked)
