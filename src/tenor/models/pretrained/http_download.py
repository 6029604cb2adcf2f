"""Download a file over HTTP: an interrupted download continues where it ended, and the result is checked."""

import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

from tenor._core.language import tr
from tenor.models.pretrained.hub_files import HubFile

TIMEOUT_S = 30.0
_ATTEMPTS = 5  # without a new byte
_PAUSE_S = 1.0
_CHUNK = 1 << 20  # bytes
_LARGEST_ANSWER = 64 << 20  # bytes of an answer that is read into memory
_PART = ".part"
_CUT = (http.client.HTTPException, ConnectionError, TimeoutError)  # errors of a connection that was cut


def read(url: str) -> bytes:
    """The body of a small answer. Raises OSError where there is none."""
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
        body: bytes = answer.read(_LARGEST_ANSWER)
    return body


def download(url: str, file: HubFile, target: Path) -> None:
    """Download a file, and give it its name when it is complete and correct.

    Until then it is `NAME.part` beside the target, from which a later call continues.

    Args:
        url: Where it is.
        file: What the hub says about it.
        target: Where it goes.

    Raises:
        ValueError: Its size or checksum differs; it is removed.
        OSError: The server answers with an error or cannot be reached, or the file cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + _PART)
    left = _ATTEMPTS
    while file.size is None or _size(part) < file.size:
        begin = _size(part)
        try:
            _append(url, part, begin)
            break
        except urllib.error.HTTPError as error:
            if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE or not begin:
                raise
            part.unlink()  # it has more bytes than the file
        except _CUT as error:
            left = _ATTEMPTS if _size(part) > begin else left - 1
            if not left:
                raise ConnectionError(
                    tr("the connection was interrupted {attempts} times ({error})", attempts=_ATTEMPTS, error=error)
                ) from error
            time.sleep(_PAUSE_S)
    try:
        file.check(part)
    except ValueError:
        part.unlink()
        raise
    part.replace(target)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _append(url: str, part: Path, begin: int) -> None:
    """Append what follows the first `begin` bytes. Raises IncompleteRead where the answer ends too early."""
    ranges = {"Range": f"bytes={begin}-"} if begin else {}
    request = urllib.request.Request(url, headers={**ranges, "Accept-Encoding": "identity"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        continues = answer.status == http.client.PARTIAL_CONTENT
        length = answer.headers.get("Content-Length")
        with part.open("ab" if continues and begin else "wb") as stream:
            copied = _copy(answer, stream)
    if length is not None and copied < int(length):
        raise http.client.IncompleteRead(b"", int(length) - copied)


def _copy(answer: http.client.HTTPResponse, stream: IO[bytes]) -> int:
    """Copy an answer to a file. Returns the number of bytes."""
    copied = 0
    while block := answer.read(_CHUNK):
        stream.write(block)
        copied += len(block)
    return copied
