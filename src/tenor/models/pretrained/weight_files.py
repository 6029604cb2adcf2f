"""The safetensors files of a folder in Hugging Face's layout, read by the names of their tensors."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import safe_open

from tenor._core import regular_files
from tenor._core.records import Record
from tenor._core.regular_files import IrregularFileError
from tenor.errors import SettingsError

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"

_LARGEST_FILE = 64 << 30  # bytes
_MOST_FILES = 1_000
_MOST_PARTS = 30  # of the name of a tensor
_DTYPES = {"F32": np.float32, "F16": np.float16, "F64": np.float64}


class WeightFiles:
    """Tensors by name, whatever prefix they were saved with."""

    def __init__(self, folder: Path, index: Record | None) -> None:
        """Read the names of all tensors.

        Args:
            folder: The folder.
            index: The content of model.safetensors.index.json; None: there is none.

        Raises:
            SettingsError: There are no safetensors files.
            RecordError: The index is damaged.
            IrregularFileError: A file is not a plain file, or too large.
            ValueError: A tensor has an absurd name.
        """
        self._files: dict[str, Path] = {}  # tensor -> its file
        for file in _list_files(folder, index):
            try:
                regular_files.check(file, _LARGEST_FILE)
            except IrregularFileError as error:
                raise IrregularFileError(f"{file.name} {error}") from None
            with safe_open(file, "numpy") as tensors:
                self._files |= dict.fromkeys(tensors.keys(), file)
        self._by_suffix: dict[str, str] = {}
        for key in sorted(self._files, key=len, reverse=True):  # of several with the same suffix, the shortest wins
            parts = key.split(".")
            if len(parts) > _MOST_PARTS:
                raise ValueError(f"a tensor has a name of {len(parts):,} parts")
            self._by_suffix |= {".".join(parts[start:]): key for start in range(len(parts))}

    def read(self, name: str) -> npt.NDArray[np.float32]:
        """Read the tensor whose name ends with `name`.

        Raises:
            KeyError: There is none.
            ValueError: It is not made of finite floating-point numbers.
        """
        key = self._key(name)
        with safe_open(self._files[key], "numpy") as tensors:
            dtype = tensors.get_slice(key).get_dtype()
            if dtype not in _DTYPES:
                raise ValueError(f"{key} is of the type {dtype}, not one of {', '.join(_DTYPES)}")
            with np.errstate(over="ignore"):
                array = np.array(tensors.get_tensor(key), np.float32)
        if not np.isfinite(array).all():
            raise ValueError(f"{key} has values that are not finite")
        return array

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of the tensor whose name ends with `name`, without reading it. Raises KeyError like `read`."""
        key = self._key(name)
        with safe_open(self._files[key], "numpy") as tensors:
            return tuple(tensors.get_slice(key).get_shape())

    def __contains__(self, name: str) -> bool:
        return name in self._by_suffix

    def _key(self, name: str) -> str:
        if name not in self:
            # Weights that were once converted from TensorFlow keep its names.
            name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        if name not in self:
            raise KeyError(name)
        return self._by_suffix[name]


def _list_files(folder: Path, index: Record | None) -> list[Path]:
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    if index is None:
        raise SettingsError(
            f"{folder}: there is no {WEIGHTS}.",
            "Weights in the form of a pickle (pytorch_model.bin) can run code, so they are not read; "
            "download the safetensors file.",
        )
    locations = index.record("weight_map")
    names = sorted({Path(locations.string(key, 1_000)).name for key in locations.values})
    if len(names) > _MOST_FILES:
        raise locations.error("", f"it names {len(names):,} files, and {_MOST_FILES:,} are allowed")
    return [folder / name for name in names]
