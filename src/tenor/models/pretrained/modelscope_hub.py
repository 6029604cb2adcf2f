"""Encoders on ModelScope, and in its caches: that of Tenor and that of the package `modelscope`.

MODELSCOPE_ENDPOINT names a mirror and MODELSCOPE_CACHE the folder of the caches.
"""

import json
import os
import urllib.error
import urllib.parse
from pathlib import Path

from tenor._core import records
from tenor._core.language import tr
from tenor._core.records import RecordError
from tenor.errors import SettingsError, TenorError
from tenor.models.pretrained import http_download, hub_files
from tenor.models.pretrained.hub_files import HubFile
from tenor.models.pretrained.hugging_face_hub import unreachable

_ENDPOINT = "https://modelscope.cn"
_REVISION = "master"
_OK = 200  # `Code` of an answer
_MIRROR = "MODELSCOPE_ENDPOINT"


def find_cached(name: str) -> Path | None:
    """The folder of a complete copy in a cache, or None.

    Args:
        name: OWNER/NAME.
    """
    of_package = name.replace(".", "___")  # so the package writes it
    given = os.environ.get("MODELSCOPE_CACHE")
    roots = [Path(given)] if given else [_cache() / "hub"]
    folders = [_own_folder(name), *(root / part / of_package for root in roots for part in ("models", "."))]
    return next((folder for folder in folders if hub_files.is_complete(folder)), None)


def download(name: str) -> Path:
    """Download an encoder into the cache, and check each file against the hub's SHA-256.

    Args:
        name: OWNER/NAME.

    Raises:
        SettingsError: There is no such model, or it is not an encoder that Tenor reads.
        TenorError: The hub cannot be reached, or a file differs from what the hub says.
    """
    model = f"modelscope://{name}"
    try:
        files = _list_files(name)
        chosen = [files[each] for each in hub_files.choose(model, files)]
        folder = _own_folder(name)
        for file in chosen:
            target = folder / file.name
            if not target.is_file():
                path = urllib.parse.quote(file.name)
                url = f"{_endpoint()}/models/{name}/resolve/{_REVISION}/{path}"
                _download(model, url, file, target)
    except urllib.error.HTTPError as error:
        raise _refused(model, error) from None
    except (RecordError, OSError) as error:
        raise unreachable(model, error, _MIRROR) from None
    return folder


def _download(model: str, url: str, file: HubFile, target: Path) -> None:
    try:
        http_download.download(url, file, target)
    except ValueError as error:
        raise hub_files.broken(model, error) from None


def _list_files(name: str) -> dict[str, HubFile]:
    """The files of a model by their paths. Raises OSError, or RecordError where the answer is not a list of files."""
    url = f"{_endpoint()}/api/v1/models/{name}/repo/files?Revision={_REVISION}&Recursive=true"
    answer = records.parse(http_download.read(url), tr("the list of files"))
    if answer.values.get("Code") != _OK:
        raise answer.error("Code", tr("it is {value}", value=json.dumps(answer.values.get("Code"))[:60]))
    files = {}
    for entry in answer.record("Data").records("Files"):
        if entry.values.get("Type") != "tree":
            sha256 = entry.values.get("Sha256")
            path = entry.string("Path", 1_000)
            size = entry.integer("Size", 0, 1 << 50)
            files[path] = HubFile(name=path, size=size, sha256=sha256 if isinstance(sha256, str) and sha256 else None)
    return files


def _refused(model: str, error: urllib.error.HTTPError) -> TenorError:
    if error.code == 404:
        return SettingsError(
            tr("{model}: the hub has no such model, or it is private.", model=model), tr("Check the name.")
        )
    if error.code in (401, 403):
        return SettingsError(
            tr("{model}: the hub refuses access ({code}).", model=model, code=error.code),
            tr("Download it with the package modelscope, which can log in, and run the same command again."),
        )
    return unreachable(model, error, _MIRROR)


def _endpoint() -> str:
    return os.environ.get("MODELSCOPE_ENDPOINT", _ENDPOINT).rstrip("/")


def _cache() -> Path:
    return Path(os.environ.get("MODELSCOPE_CACHE") or Path.home() / ".cache" / "modelscope")


def _own_folder(name: str) -> Path:
    return _cache() / "tenor" / name
