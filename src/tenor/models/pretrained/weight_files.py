"""The weights of a folder in Hugging Face's layout, read by the names of their tensors.

They are in safetensors, or in the files of PyTorch, which `torch_file` reads without running anything.
"""

import json
import mmap
from collections.abc import Collection
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tenor._core import regular_files, tensor_file
from tenor._core.disk_arrays import drop_pages
from tenor._core.language import tr
from tenor._core.records import Record
from tenor._core.regular_files import IrregularFileError
from tenor._core.tensor_file import BFLOAT16, Array
from tenor.errors import SettingsError
from tenor.models.pretrained import torch_file

SAFETENSORS, TORCH = "model.safetensors", "pytorch_model.bin"
WEIGHTS = (SAFETENSORS, TORCH)
"""Files of weights, the preferred one first. Large ones are in parts, which an index lists."""
_FRAMEWORKS = {"tf_model.h5": "TensorFlow", "flax_model.msgpack": "Flax"}
_UNFINISHED = (".part", ".incomplete", ".crdownload", ".aria2", ".tmp")  # endings of files of an unfinished download
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"

_LARGEST_FILE = 64 << 30  # bytes
_MOST_FILES = 1_000
_MOST_PARTS = 30  # of the name of a tensor


def index_name(folder: Path) -> str | None:
    """The file that lists the parts of the weights; None: they are in one file, or there are none."""
    for name in WEIGHTS:
        if (folder / name).exists():
            return None
        if (folder / f"{name}.index.json").exists():
            return f"{name}.index.json"
    return None


def exist(folder: Path) -> bool:
    """Whether a folder has weights that Tenor reads, with all of their parts."""
    index = index_name(folder)
    if index is None:
        return any((folder / name).exists() for name in WEIGHTS)
    try:
        parts = json.loads((folder / index).read_bytes())["weight_map"].values()
        return all((folder / Path(str(part)).name).exists() for part in parts)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False


def missing(model: object, names: Collection[str]) -> SettingsError:
    """The error for a folder, or a repository on a hub, without weights that Tenor reads.

    Args:
        model: The folder or the model, as the user gave it.
        names: The names of its files.
    """
    none = tr("{model}: there is no {safetensors} and no {torch}", model=model, safetensors=SAFETENSORS, torch=TORCH)
    if framework := next((name for name in _FRAMEWORKS if name in names), None):
        option = "from_tf" if framework.startswith("tf") else "from_flax"
        return SettingsError(
            tr(
                "{problem}. Its {file} is a file of {framework}, which Tenor does not read.",
                problem=none,
                file=framework,
                framework=_FRAMEWORKS[framework],
            ),
            tr(
                "Choose an encoder with {safetensors} ('tenor models' lists some), or convert it once "
                "with Transformers 4: AutoModel.from_pretrained(FOLDER, "
                "{option}=True).save_pretrained(FOLDER).",
                safetensors=SAFETENSORS,
                option=option,
            ),
        )
    if unfinished := sorted(name for name in names if name.endswith(_UNFINISHED)):
        return SettingsError(
            tr(
                "{problem}, but {unfinished!r:.100}: the download is not finished.",
                problem=none,
                unfinished=unfinished[0],
            ),
            tr("Download the model again."),
        )
    if renamed := sorted(name for name in names if name.endswith((".safetensors", ".bin", ".pt"))):
        name = TORCH if renamed[0].endswith((".bin", ".pt")) else SAFETENSORS
        return SettingsError(
            tr("{problem}, but {renamed!r:.100}.", problem=none, renamed=renamed[0]),
            tr("If these are its weights, rename the file to {name}; otherwise download the model again.", name=name),
        )
    return SettingsError(tr("{problem}.", problem=none), tr("Download one of the two with the model."))


class WeightFiles:
    """Tensors by name, whatever prefix they were saved with."""

    def __init__(self, folder: Path, index: Record | None) -> None:
        """Read the names of all tensors.

        Args:
            folder: The folder.
            index: The content of the file `index_name`; None: there is none.

        Raises:
            SettingsError: There are no weights in a form that Tenor reads.
            RecordError: The index is damaged.
            IrregularFileError: A file is not a plain file, or too large.
            ValueError: A file is damaged, or a tensor has an absurd name.
        """
        self._tensors: dict[str, Array] = {}
        for file in _list_files(folder, index):
            self._tensors |= _open(file)
        self._by_suffix: dict[str, str] = {}
        for key in sorted(self._tensors, key=len, reverse=True):  # of several with the same suffix, the shortest wins
            parts = key.split(".")
            if len(parts) > _MOST_PARTS:
                raise ValueError(tr("a tensor has a name of {n_parts:,} parts", n_parts=len(parts)))
            self._by_suffix |= {".".join(parts[start:]): key for start in range(len(parts))}

    def read(self, name: str) -> npt.NDArray[np.float32]:
        """Read the tensor whose name ends with `name`, in memory of its own.

        Raises:
            KeyError: There is none.
            ValueError: It is not made of finite floating-point numbers.
        """
        key = self._key(name)
        tensor = self._tensors[key]
        if tensor.dtype == BFLOAT16:
            halves = np.ascontiguousarray(tensor).view(np.uint16)
            array = (halves.astype(np.uint32) << np.uint32(16)).view(np.float32)
        elif tensor.dtype.kind == "f":
            with np.errstate(over="ignore"):
                array = np.array(tensor, np.float32, order="C")
        else:
            raise ValueError(
                tr("{key} is of the type {dtype}, not of floating-point numbers", key=key, dtype=tensor.dtype)
            )
        if not np.isfinite(array).all():
            raise ValueError(tr("{key} has values that are not finite", key=key))
        drop_pages(tensor)  # the file and its copies are not in memory at the same time
        return array

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of the tensor whose name ends with `name`, without reading it. Raises KeyError like `read`."""
        return self._tensors[self._key(name)].shape

    def __contains__(self, name: str) -> bool:
        return name in self._by_suffix

    def _key(self, name: str) -> str:
        if name not in self:
            # Weights that were once converted from TensorFlow keep its names.
            name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        if name not in self:
            raise KeyError(name)
        return self._by_suffix[name]


def _open(file: Path) -> dict[str, Array]:
    """The tensors of a file, as views of it: a tensor is in memory only while it is read."""
    try:
        regular_files.check(file, _LARGEST_FILE)
    except IrregularFileError as error:
        raise IrregularFileError(f"{file.name} {error}") from None
    with file.open("rb") as stream:
        if not stream.seek(0, 2):
            raise ValueError(tr("{name} is empty", name=file.name))
        data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    if data[: len(_LFS_POINTER)] == _LFS_POINTER:
        raise ValueError(
            tr("{name} is a pointer of Git LFS and not the weights: run 'git lfs pull' in the folder", name=file.name)
        )
    if file.suffix == ".safetensors":
        return tensor_file.read(data, file.name, foreign=True).arrays
    try:
        return torch_file.read(data)
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from None


def _list_files(folder: Path, index: Record | None) -> list[Path]:
    if index is None:
        for name in WEIGHTS:
            if (folder / name).exists():
                return [folder / name]
        raise missing(folder, [file.name for file in folder.iterdir()])
    locations = index.record("weight_map")
    names = sorted({Path(locations.string(key, 1_000)).name for key in locations.values})
    if len(names) > _MOST_FILES:
        raise locations.error(
            "",
            tr(
                "it names {n_names:,} files, and {most_files:,} are allowed", n_names=len(names), most_files=_MOST_FILES
            ),
        )
    if wrong := [name for name in names if not name.endswith((".safetensors", ".bin"))]:
        raise locations.error("", tr("it names {wrong!r}, which is not a file of weights", wrong=wrong[0][:100]))
    if absent := [name for name in names if not (folder / name).exists()]:
        more = tr(" and {n_absent} more", n_absent=len(absent) - 1) if len(absent) > 1 else ""
        raise locations.error(
            "",
            tr(
                "it names {absent!r}{more}, not in the folder: the download is not finished",
                absent=absent[0][:100],
                more=more,
            ),
        )
    return [folder / name for name in names]
