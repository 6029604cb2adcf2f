"""A hub on this machine: an HTTP server that speaks the protocols of the Hugging Face hub and of ModelScope."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = (".safetensors", ".bin", ".h5", ".msgpack")  # in Git LFS: their checksum is a SHA-256, and a CDN has them


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@dataclass
class Hub:
    """What the server has, how it misbehaves, and what it was asked for.

    Attributes:
        url: Its address.
        models: OWNER/NAME -> revision -> path of a file -> its content.
        pull_requests: OWNER/NAME -> what the list of discussions says.
        token: A token that is needed for all; None: none is.
        gated: OWNER/NAME of models that are given only on request.
        cuts: Path of a file -> after how many bytes each of the next answers ends.
        corrupt: Paths of files that are sent with a wrong byte.
        ignores_ranges: Whether it always sends whole files.
        requests: Method, path and range of each request.
    """

    url: str = ""
    models: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    pull_requests: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    token: str | None = None
    gated: set[str] = field(default_factory=set)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    corrupt: set[str] = field(default_factory=set)
    ignores_ranges: bool = False
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)

    def add(self, name: str, folder: Path, revision: str = "main", *without: str) -> dict[str, bytes]:
        """Add a model; returns its files, which may be changed."""
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in without}
        self.models.setdefault(name, {})[revision] = files
        return files

    def ranges(self, file: str) -> list[str | None]:
        """The ranges of the requests for a file."""
        expected = [_sha256(files[file]) for model in self.models.values() for files in model.values() if file in files]
        ends = (f"/{file}", *(f"/cdn/{each}" for each in expected))
        return [result for method, path, result in self.requests if method == "GET" and path.endswith(ends)]


def _commit(revision: str) -> str:
    return hashlib.sha1(revision.encode(), usedforsecurity=False).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    hub: ClassVar[Hub]
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        path, query = unquote(parts.path), parse_qs(parts.query)
        self.hub.requests.append((self.command, path, self.headers.get("Range")))
        if (
            self.hub.token is not None
            and not path.startswith("/cdn/")
            and self.headers.get("Authorization") != f"Bearer {self.hub.token}"
        ):
            return self._error(401, "")
        if result := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/(.+))?", path):
            return self._metadata(result[1], result[2], result[3] or "main")
        if result := re.fullmatch(r"/api/models/([^/]+/[^/]+)/discussions", path):
            rows = self.hub.pull_requests.get(result[1], [])
            rows = [row for row in rows if row["author"]["name"] in query.get("author", [row["author"]["name"]])]
            return self._json({"discussions": rows, "count": len(rows), "start": 0})
        if result := re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)/repo/files", path):
            return self._modelscope_files(result[1])
        if result := re.fullmatch(r"/models/([^/]+/[^/]+)/resolve/master/(.+)", path):
            return self._resolve(result[1], "main", result[2], "models")
        if result := re.fullmatch(r"/([^/]+/[^/]+)/resolve/(.+?)/([^/]+(?:/config\.json)?)", path):
            return self._resolve(result[1], result[2], result[3], "hf")
        if result := re.fullmatch(r"/cdn/([0-9a-f]{64})", path):
            for model in self.hub.models.values():
                for files in model.values():
                    for name, data in files.items():
                        if _sha256(data) == result[1]:
                            return self._file(name, data)
        return self._error(404, "EntryNotFound")

    def _revision(self, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        for each, files in self.hub.models.get(name, {}).items():
            if revision in (each, _commit(each)):
                return _commit(each), files
        return None

    def _metadata(self, name: str, kind: str | None, revision: str) -> None:
        if name not in self.hub.models:
            return self._error(401, "RepoNotFound")
        result = self._revision(name, revision)
        if result is None:
            return self._error(404, "RevisionNotFound")
        commit, files = result
        rows = []
        for path, data in files.items():
            lfs = {"sha256": _sha256(data), "oid": _sha256(data), "size": len(data), "pointerSize": 130}
            row: dict[str, Any] = {"size": len(data), "blobId": _git_sha1(data), "oid": _git_sha1(data)}
            row |= {"lfs": lfs} if path.endswith(LARGE) else {}
            rows.append(row | ({"type": "file", "path": path} if kind == "tree" else {"rfilename": path}))
        self._json(rows if kind == "tree" else {"id": name, "sha": commit, "siblings": rows, "tags": []})

    def _modelscope_files(self, name: str) -> None:
        result = self._revision(name, "main")
        if result is None:
            return self._error(404, "")
        rows = [
            {"Path": path, "Name": path, "Type": "blob", "Size": len(data), "Sha256": _sha256(data)}
            for path, data in result[1].items()
        ]
        self._json({"Code": 200, "Data": {"Files": [{"Path": "x", "Name": "x", "Type": "tree", "Size": 0}, *rows]}})

    def _resolve(self, name: str, revision: str, file: str, protocol: str) -> None:
        result = self._revision(name, revision)
        if result is None or file not in result[1]:
            return self._error(404, "EntryNotFound" if result else "RepoNotFound")
        if name in self.hub.gated:
            return self._error(403, "GatedRepo")
        commit, files = result
        data = files[file]
        if protocol == "hf" and file.endswith(LARGE):
            self.send_response(302)
            cdn = self.hub.url.replace("127.0.0.1", "localhost")  # another host, as on the real hub
            self.send_header("Location", f"{cdn}/cdn/{_sha256(data)}")
            self.send_header("X-Repo-Commit", commit)
            self.send_header("X-Linked-Etag", f'"{_sha256(data)}"')
            self.send_header("X-Linked-Size", str(len(data)))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._file(file, data, commit)

    def _file(self, name: str, data: bytes, commit: str = "") -> None:
        begin = 0
        whole = len(data)
        if name in self.hub.corrupt:
            data = data[:-1] + bytes([data[-1] ^ 1])
        given = self.headers.get("Range")
        if given and not self.hub.ignores_ranges:
            begin = int(given.removeprefix("bytes=").partition("-")[0])
            if begin >= whole:
                return self._error(416, "")
        self.send_response(206 if begin else 200)
        self.send_header("ETag", f'"{_git_sha1(data)}"')
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{whole - 1}/{whole}")
        if commit:
            self.send_header("X-Repo-Commit", commit)
        self.send_header("Content-Length", str(whole - begin))
        self.end_headers()
        if self.command == "GET":
            cuts = self.hub.cuts.get(name)
            if cuts:
                self.wfile.write(data[begin : begin + cuts.pop(0)])
                self.wfile.flush()
                self.close_connection = True
                return
            self.wfile.write(data[begin:])

    def _json(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _error(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def running() -> Iterator[Hub]:
    """A hub that answers until the block ends."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
