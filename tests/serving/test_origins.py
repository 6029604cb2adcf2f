"""Pages of other sites change nothing, whatever names they give themselves."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tenor.data.correction_store import CorrectionStore
from tenor.errors import SettingsError
from tenor.serving import app
from tenor.serving.origins import Origins


def status(origins: Origins, host: str | None, page: str | None = None, method: str = "POST", path: str = "/") -> int:
    """With what a request is refused; 0: it is not."""
    headers = [(b"host", host)] * (host is not None) + [(b"origin", page)] * (page is not None)
    raw = [(name, value.encode()) for name, value in headers]
    refusal = origins.refusal({"method": method, "path": path, "headers": raw}, dict(raw))
    return 0 if refusal is None else refusal[0]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:8000",
        "127.0.0.1:8000",
        "[::1]:8000",
        "10.1.2.3",
        "tenor",
        "tenor:80",
        "printer.local",
        "tenor.default.svc.cluster.local:8000",
        "a.localhost",
        "tenor.internal",
        "named.example.org:1",
        "x.wild.org",
        None,
    ],
)
def test_addresses_local_names_and_named_ones_are_its_own(host: str | None) -> None:
    assert status(Origins(("named.example.org", "*.wild.org")), host) == 0


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example",
        "attacker.example:8000",
        "named.example.org.attacker.example",
        "a.named.example.org",
        "wild.org",
        "127.0.0.1.attacker.example",
        "notwild.org",
        "local",
        "attacker.example.",
        "a b",
        "",
        "[::1",
        "localhost:x",
        "attacker%2eexample",
        "attacker。example",
        "attacker．example",
        "attacker.example\0",
        ".",
        "..",
        "localhost..",
        ".localhost",
    ],
)
def test_names_that_somebody_else_can_have_are_not(host: str) -> None:
    origins = Origins(("named.example.org", "*.wild.org"))
    assert status(origins, host) == (0 if host == "local" else 421)
    assert status(origins, host, path="/health/ready") == 0  # what a load balancer calls it tells nobody anything
    assert status(Origins(("*",)), "attacker.example") == 0


@pytest.mark.parametrize(
    ("host", "page", "refused"),
    [
        ("localhost:8000", "http://localhost:8000", 0),
        ("localhost:8000", "http://localhost:3000", 403),
        ("localhost:8000", "https://attacker.example", 403),
        ("localhost:8000", "null", 403),
        ("localhost:8000", "", 403),
        ("localhost:8000", "file://", 403),
        ("localhost:8000", "https://page.example", 0),
        ("localhost:8000", "https://page.example:444", 403),
        ("[::1]:8000", "http://[::1]:8000", 0),
        ("tenor.example", "https://tenor.example", 0),  # TLS ends in front of the server
        ("127.0.0.1:8000", "https://tenor.example", 0),  # and its Host is another
        ("10.0.0.1", "http://10.0.0.1:80", 0),
        ("attacker.example", "http://attacker.example", 421),
    ],
)
def test_what_changes_something_comes_from_its_own_page_or_a_named_one(host: str, page: str, refused: int) -> None:
    origins = Origins(("tenor.example",), ("https://page.example",))
    assert status(origins, host, page) == refused
    assert status(origins, host, page, "GET") == (421 if refused == 421 else 0)
    assert status(Origins(("tenor.example",), ("*",)), host, page) == (421 if refused == 421 else 0)


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("Host", ["localhost", "attacker.example"]),
        ("Origin", ["http://attacker.example", "http://localhost"]),
        ("Origin", ["http://localhost", "http://attacker.example"]),
    ],
)
def test_of_two_headers_none_is_believed(header: str, values: list[str]) -> None:
    headers = [(b"host", b"localhost")] * (header != "Host")
    headers += [(header.lower().encode(), value.encode()) for value in values]
    refusal = Origins().refusal({"method": "POST", "path": "/", "headers": headers}, dict(headers))
    assert refusal == (400, f"the request has more than one header {header}.")


@pytest.mark.parametrize("host", ["http://example.org", "a/b", "a b", "*.", "example.org:80", "a.*"])
def test_what_can_be_no_name_is_told(cli: Any, model_folder: Path, host: str) -> None:
    with pytest.raises(SettingsError, match=r"is not a name that a server can have\. Write it without scheme"):
        Origins((host,))
    result = cli("serve", model_folder, "--allowed-host", host)
    assert (result.code, "is not a name that a server can have" in result.err) == (1, True)


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"host": "attacker.example:8000", "origin": "http://attacker.example:8000"}, 421),  # DNS rebinding
        ({"origin": "https://attacker.example"}, 403),
    ],
)
def test_a_page_of_another_site_cannot_poison_training_data(
    tmp_path: Path, model_folder: Path, headers: dict[str, str], refused: int
) -> None:
    store = CorrectionStore(str(tmp_path / "kept.db"))
    made = app.create_app(
        [model_folder], app.ServerOptions(reload_interval_s=0, hosts=("127.0.0.1",)), lambda _: None, store
    )
    sent = {"text": "a superb film", "label": "negative"}
    with TestClient(made) as server:
        result = server.post("/corrections", json=sent, headers=headers)
        assert (result.status_code, list(result.json())) == (refused, ["detail"])
        assert "attacker" not in result.text
        assert store.models() == []
        assert server.post("/corrections", json=sent, headers={"origin": "http://testserver"}).status_code == 201
    store.close()
