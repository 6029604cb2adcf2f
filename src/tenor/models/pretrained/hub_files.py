"""Which files of a repository on a hub an encoder needs, and whether a folder has all of them."""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from tenor._core.language import tr
from tenor.errors import SettingsError, TenorError
from tenor.models.pretrained import sentence_encoder, tokenizer_files, weight_files
from tenor.models.pretrained.weight_files import TORCH, WEIGHTS

CONFIG = "config.json"
_OPTIONAL = (*tokenizer_files.TOKENIZERS, *tokenizer_files.BESIDE_TOKENIZERS, *sentence_encoder.FILES)


@dataclass(frozen=True)
class HubFile:
    """A file of a repository on a hub.

    Attributes:
        name: Its path in the repository.
        size: Bytes; None: unknown.
        sha256: Its SHA-256 in hexadecimal; None: unknown.
        git_sha1: Its id as a blob of Git in hexadecimal; None: unknown.
    """

    name: str
    size: int | None = None
    sha256: str | None = None
    git_sha1: str | None = None

    def check(self, path: Path) -> None:
        """Compare a downloaded copy with what the hub says. Raises ValueError that says what differs."""
        actual = path.stat().st_size
        if self.size is not None and actual != self.size:
            raise ValueError(
                tr(
                    "{name} has {actual:,} bytes, and the hub says {size:,}",
                    name=self.name,
                    actual=actual,
                    size=self.size,
                )
            )
        if self.sha256 is not None:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            if digest != self.sha256.lower():
                raise ValueError(tr("{name} has another SHA-256 than the hub says", name=self.name))
        elif self.git_sha1 is not None:
            with path.open("rb") as stream:
                header = hashlib.sha1(b"blob %d\0" % actual, usedforsecurity=False)
                digest = hashlib.file_digest(stream, header.copy).hexdigest()
            if digest != self.git_sha1.lower():
                raise ValueError(tr("{name} has another checksum than the hub says", name=self.name))


def choose(model: str, names: Collection[str]) -> list[str]:
    """The files of a repository that an encoder needs. Files of PyTorch are chosen only if there are no safetensors.

    Args:
        model: What the user gave, for errors.
        names: The paths of all files.

    Raises:
        SettingsError: Some are missing.
    """
    if CONFIG not in names:
        raise SettingsError(
            tr("{model}: the hub has no {config} of it.", model=model, config=CONFIG),
            tr("Choose a model of Hugging Face Transformers."),
        )
    weights = next(filter(None, (list(_weights(kind, names)) for kind in WEIGHTS)), None)
    if weights is None:
        raise weight_files.missing(model, names)
    optional = [name for name in sorted(names) if any(_matches(name, pattern) for pattern in _OPTIONAL)]
    if not any(name in tokenizer_files.TOKENIZERS for name in optional):
        raise SettingsError(
            tr("{model}: the hub has no tokenizer of it.", model=model), tr("Choose a model with a tokenizer.json.")
        )
    return [CONFIG, *optional, *weights]


def has_torch_weights(chosen: Collection[str]) -> bool:
    """Whether the weights among the chosen files are those of PyTorch."""
    return any(name.startswith(TORCH.partition(".")[0]) for name in chosen)


def _weights(kind: str, names: Collection[str]) -> Iterator[str]:
    """The files with weights of one kind: one file, or an index and its parts; empty: there are none."""
    if kind in names:
        yield kind
    elif f"{kind}.index.json" in names:
        yield f"{kind}.index.json"
        yield from sorted(name for name in names if _matches(name, kind.replace(".", "-*.")))


def _matches(name: str, pattern: str) -> bool:
    """Whether a path matches a pattern, with no further folder hidden in its `*`."""
    return name.count("/") == pattern.count("/") and fnmatch(name, pattern)


def is_complete(folder: Path) -> bool:
    """Whether a folder in a cache has all files of an encoder: its settings, its weights and a tokenizer."""
    has_tokenizer = any((folder / name).is_file() for name in tokenizer_files.TOKENIZERS)
    return (folder / CONFIG).is_file() and has_tokenizer and weight_files.exist(folder)


def broken(model: str, problem: Exception) -> TenorError:
    """The error for a download that is not what the hub says; nothing of it is kept."""
    return TenorError(
        tr("{model}: the download is damaged: {problem}. The damaged file was removed.", model=model, problem=problem),
        tr("Run the same command again, or use another mirror."),
    )
