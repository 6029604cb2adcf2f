"""A real browser, driven through its debugging protocol; tests skip where there is no Chromium."""

import importlib.util
import json
import re
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

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

    def call(self, method: str, *, seconds: float = 20, **parameters: Any) -> Any:
        """Ask the browser, for some seconds at most; what happens meanwhile goes into `events`."""
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters, **session}))
        while True:
            answer = json.loads(self._socket.recv(timeout=seconds))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def value(self, expression: str, *, seconds: float = 20) -> Any:
        """The value of an expression of JavaScript on the page."""
        options = {"awaitPromise": True, "returnByValue": True}
        result = self.call("Runtime.evaluate", seconds=seconds, expression=expression, **options)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def until(self, expression: str) -> Any:
        """The value of an expression once it is true."""
        for _ in range(200):
            if result := self.value(expression):
                return result
            time.sleep(0.05)
        raise AssertionError(f"never true: {expression}; the page: {self.value('document.body.innerText')}")

    @property
    def broken(self) -> list[Any]:
        """What went wrong on the page so far: exceptions, and what the console was told of."""
        methods = "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"
        return [each for each in self.events if each["method"] in methods]

    @property
    def requests(self) -> list[str]:
        """The addresses that were asked for so far."""
        sent = [each for each in self.events if each["method"] == "Network.requestWillBeSent"]
        return [each["params"]["request"]["url"] for each in sent]

    def accessible(self) -> list[Any]:
        """What axe finds wrong with the page: rule and elements. Skips where axe is not installed."""
        result = importlib.util.find_spec("axe_playwright_python")
        if result is None or not result.submodule_search_locations:
            pytest.skip("axe-playwright-python, which axe is read from, is not installed")
        self.value(Path(result.submodule_search_locations[0], "axe.min.js").read_text(encoding="utf-8") + ";0")
        violations = "axe.run().then(found => JSON.stringify(found.violations.map(each => [each.id, each.nodes.map("
        violations += "node => [node.html.slice(0, 200), node.failureSummary])])))"
        return json.loads(self.value(violations, seconds=120))  # a long page has many elements

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
        if result := re.match(line, written):
            return result[1]
    raise AssertionError(f"{command[0]} ended")


def opened(stack: ExitStack, profile: Path) -> Browser:
    """A browser with an empty page. Skips where there is none."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
    command += ["--disable-dev-shm-usage", "--no-first-run", "--lang=en", f"--user-data-dir={profile}", "about:blank"]
    address = listening(stack, command, r"DevTools listening on (\S+)")
    return Browser(stack.enter_context(connections.connect(address, max_size=None)))
