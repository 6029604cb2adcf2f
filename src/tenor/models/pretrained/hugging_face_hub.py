"""Encoders on the Hugging Face hub or a mirror of it, and in the hub's cache.

HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE and HF_TOKEN apply. A complete copy in the cache is used without a
look at the hub, so a run does not change because somebody uploads a new version.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tenor._core.language import tr
from tenor.errors import SettingsError, TenorError
from tenor.models.pretrained import hub_files
from tenor.models.pretrained.hub_files import HubFile
from tenor.models.pretrained.weight_files import SAFETENSORS, TORCH

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoSibling

_MAIN = "main"
_CONVERSIONS = "refs/pr"  # where the hub keeps the safetensors that its own robot made of files of PyTorch
_ROBOT, _TITLE = "SFconvertbot", "Adding `safetensors` variant of this model"
_COMMIT = re.compile("[0-9a-f]{40}")
_MIRROR = "HF_ENDPOINT (https://hf-mirror.com, say)"


def find_cached(name: str) -> Path | None:
    """The folder of a complete copy in the cache, or None.

    Args:
        name: OWNER/NAME.
    """
    from huggingface_hub import constants

    repository = Path(constants.HF_HUB_CACHE) / f"models--{name.replace('/', '--')}"
    refs = repository / "refs"
    for ref in (refs / _MAIN, *sorted((refs / _CONVERSIONS).glob("*"))):
        commit = ref.read_text(encoding="ascii", errors="replace").strip() if ref.is_file() else ""
        folder = repository / "snapshots" / commit
        if _COMMIT.fullmatch(commit) and hub_files.is_complete(folder):
            return folder
    return None


def is_offline() -> bool:
    """Whether HF_HUB_OFFLINE forbids downloads."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def download(name: str) -> Path:
    """Download an encoder into the cache, and check each new file against the hub's checksum.

    Args:
        name: OWNER/NAME.

    Raises:
        SettingsError: There is no such model, it needs a token, or it is not an encoder that Tenor reads.
        TenorError: The hub cannot be reached, or a file differs from what the hub says.
    """
    from huggingface_hub import HfApi

    api = HfApi()
    with _clear_errors(f"hf://{name}"):
        revision, chosen = _choose(api, name)
        copies = {each.name: _cached_file(name, each.name, revision) for each in chosen}
        # One file at a time: a retry closes the connections of all threads.
        snapshot = api.snapshot_download(name, revision=revision, allow_patterns=list(copies), max_workers=1)
        folder = Path(snapshot)
    for file in chosen:
        if copies[file.name] is None:
            _check(f"hf://{name}", file, folder / file.name)
    return folder


def _choose(api: "HfApi", name: str) -> tuple[str, list[HubFile]]:
    """The revision to download, and its files that an encoder needs."""
    files = _list_files(api, name, _MAIN)
    chosen = hub_files.choose(f"hf://{name}", files)
    if hub_files.has_torch_weights(chosen):
        for number in _conversions(api, name):
            revision = f"{_CONVERSIONS}/{number}"
            converted = _list_files(api, name, revision)
            if SAFETENSORS in converted:
                return revision, [converted[each] for each in hub_files.choose(f"hf://{name}", converted)]
    return _MAIN, [files[each] for each in chosen]


def _list_files(api: "HfApi", name: str, revision: str) -> dict[str, HubFile]:
    info = api.model_info(name, revision=revision, files_metadata=True)
    return {each.rfilename: _hub_file(each) for each in info.siblings or ()}


def _hub_file(sibling: "RepoSibling") -> HubFile:
    lfs = sibling.lfs
    return HubFile(
        name=sibling.rfilename,
        size=sibling.size,
        sha256=None if lfs is None else lfs.sha256,
        git_sha1=None if lfs is not None else sibling.blob_id,
    )


def _conversions(api: "HfApi", name: str) -> Iterator[int]:
    """Numbers of the pull requests with which the hub's own robot adds safetensors."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        for request in api.get_repo_discussions(name, author=_ROBOT, discussion_type="pull_request"):
            if request.author == _ROBOT and request.title == _TITLE and request.status != "closed":
                yield request.num
    except HfHubHTTPError:  # a mirror without them, or a model whose pull requests are off: PyTorch's file is read
        return


def _cached_file(name: str, file: str, revision: str) -> str | None:
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(name, file, revision=revision)
    return path if isinstance(path, str) else None


def _check(model: str, file: HubFile, path: Path) -> None:
    """Compare a new file with the hub's checksum; remove it, and the blob behind the link, if it differs."""
    try:
        file.check(path)
    except ValueError as error:
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise hub_files.broken(model, error) from None


@contextmanager
def _clear_errors(model: str) -> Iterator[None]:
    """Turn the errors of huggingface_hub and of its HTTP client into errors of Tenor."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    try:
        yield
    except TenorError:
        raise
    except GatedRepoError:
        raise SettingsError(
            tr("{model}: the hub gives this model only to those who asked for it.", model=model),
            tr("Ask for access on its page, then set HF_TOKEN to a token of yours."),
        ) from None
    except RepositoryNotFoundError:
        raise SettingsError(
            tr("{model}: the hub has no such model, or it is private.", model=model),
            tr("Check the name. For a private model, set HF_TOKEN to a token of yours."),
        ) from None
    except OfflineModeIsEnabled:
        raise unreachable(model, tr("HF_HUB_OFFLINE is set, and the cache has no complete copy")) from None
    except HfHubHTTPError as error:
        if error.response is not None and error.response.status_code in (401, 403):
            raise SettingsError(
                tr(
                    "{model}: the hub refuses access ({status_code}).",
                    model=model,
                    status_code=error.response.status_code,
                ),
                tr("Set HF_TOKEN to a valid token of yours, or remove a wrong one."),
            ) from None
        raise unreachable(model, error) from None
    except (LocalEntryNotFoundError, OSError, ValueError) as error:
        raise unreachable(model, error.__cause__ or error) from None
    except Exception as error:  # an error of the HTTP client, whichever it is
        if "http" not in type(error).__module__:
            raise
        raise unreachable(model, error) from None


def unreachable(model: str, reason: object, mirror: str = _MIRROR) -> TenorError:
    """The error for a model that cannot be downloaded.

    Args:
        model: What the user gave.
        reason: Why.
        mirror: The variable that names a mirror.
    """
    line = str(reason).strip().partition("\n")[0] or type(reason).__name__
    return TenorError(
        tr("{model}: the model cannot be downloaded: {line}.", model=model, line=line.rstrip(".")),
        tr(
            "Go online; or name a mirror in {mirror}; or download {config}, the weights ({safetensors} "
            "or {torch}) and tokenizer.json elsewhere and give their folder. 'tenor models' lists "
            "encoders that are here.",
            mirror=mirror,
            config=hub_files.CONFIG,
            safetensors=SAFETENSORS,
            torch=TORCH,
        ),
    )
