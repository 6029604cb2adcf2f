"""`pytorch_model.bin` -> tensors as views of the file, without PyTorch and without `pickle`.

A file is a zip archive (PyTorch 1.6 and later): a pickle that describes the tensors, and their numbers in one
uncompressed member per storage. Or it is a series of pickles with the numbers after them. `torch_pickle` reads pickles;
it runs nothing. All sizes are checked against the file before anything is allocated.
"""

import io
import math
import mmap
import zipfile
from collections.abc import Callable, Mapping
from typing import IO, Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor.models.pretrained import torch_pickle
from tenor.models.pretrained.torch_pickle import Storage, TensorView, TorchPickleError

Array: TypeAlias = npt.NDArray[Any]
Data: TypeAlias = bytes | mmap.mmap
"""The bytes of a file."""

_ZIP = b"PK\x03\x04"
_LOCAL_HEADER = 30  # bytes of a zip member's header before its name
_MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of the form without zip
_PROTOCOL = 1001
_MAX_MEMBERS = 100_000
_MAX_PICKLE = 64 << 20  # bytes
_MAX_DIMENSIONS = 8


def read(data: Data) -> dict[str, Array]:
    """The tensors of a file by name, as views of `data`.

    Raises:
        TorchPickleError: It is damaged, or it holds something else than a dict of tensors.
    """
    if data[:4] == _ZIP:
        return _read_zip(data)
    if data[:1] != b"\x80":
        raise TorchPickleError(tr("it is not a file of PyTorch"))
    return _read_pickles(data)


def _read_zip(data: Data) -> dict[str, Array]:
    members = _Members(data)
    value = torch_pickle.read(members.read("data.pkl", _MAX_PICKLE)).value
    if members.has("byteorder") and members.read("byteorder", 10) != b"little":
        raise TorchPickleError(tr("its numbers are not little-endian"))

    def numbers(storage: Storage) -> Array:
        start, size = members.place(f"data/{storage.key}")
        if size < storage.length * storage.dtype.itemsize:
            raise TorchPickleError(
                tr("the storage {key!a} has {size:,} bytes, which are too few", key=storage.key[:20], size=size)
            )
        return np.frombuffer(data, storage.dtype, storage.length, start)

    return _tensors(value, numbers)


def _read_pickles(data: Data) -> dict[str, Array]:
    magic, at = torch_pickle.read(data)
    if magic != _MAGIC:
        raise TorchPickleError(tr("it is not a file of PyTorch"))
    protocol, at = torch_pickle.read(data, at)
    system, at = torch_pickle.read(data, at)
    if protocol != _PROTOCOL or not isinstance(system, dict) or system.get("little_endian") is not True:
        raise TorchPickleError(tr("its form, or the order of its bytes, is not known"))
    value, at = torch_pickle.read(data, at)
    keys, at = torch_pickle.read(data, at)
    storages = {view.storage.key: view.storage for view in _views(value).values()}
    if not isinstance(keys, list) or not all(isinstance(key, str) and key in storages for key in keys):
        raise TorchPickleError(tr("its list of storages is not that of its tensors"))
    arrays = {}
    for key in keys:
        storage = storages[key]
        length, start = int.from_bytes(data[at : at + 8], "little", signed=True), at + 8
        at = start + storage.length * storage.dtype.itemsize
        if length != storage.length or at > len(data):
            raise TorchPickleError(
                tr("the storage {key!a} is truncated, or has another length than its tensors", key=key[:20])
            )
        arrays[key] = np.frombuffer(data, storage.dtype, length, start)

    def numbers(storage: Storage) -> Array:
        if storage.key not in arrays or arrays[storage.key].dtype != storage.dtype:
            raise TorchPickleError(tr("the storage {key!a} is missing, or of two types", key=storage.key[:20]))
        return arrays[storage.key][: storage.length]

    return _tensors(value, numbers)


def _views(value: object) -> dict[str, TensorView]:
    """The tensors that a pickle describes by name. Other values, such as the number of an epoch, are left out."""
    if not isinstance(value, dict):
        raise TorchPickleError(tr("it holds something else than a dict of tensors"))
    views = {name: view for name, view in value.items() if isinstance(name, str) and isinstance(view, TensorView)}
    if not views:
        raise TorchPickleError(tr("it holds no tensors"))
    return views


def _tensors(value: object, numbers: Callable[[Storage], Array]) -> dict[str, Array]:
    return {name: _tensor(name, view, numbers(view.storage)) for name, view in _views(value).items()}


def _tensor(name: str, view: TensorView, numbers: Array) -> Array:
    """The view of a storage that is a tensor. It never has more numbers than the storage."""
    _, offset, shape, strides = view
    if len(shape) != len(strides) or len(shape) > _MAX_DIMENSIONS or math.prod(shape) > len(numbers):
        raise TorchPickleError(tr("the tensor {name!a} has a shape that does not fit its storage", name=name[:60]))
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True) if size)
    if math.prod(shape) and not 0 <= offset <= last < len(numbers):
        raise TorchPickleError(tr("the tensor {name!a} reaches beyond its storage", name=name[:60]))
    if not math.prod(shape):
        return np.zeros(shape, numbers.dtype)
    steps = [stride * numbers.itemsize for stride in strides]
    return np.ndarray(shape, numbers.dtype, numbers, offset * numbers.itemsize, steps)  # NumPy checks the bounds, too


class _Members:
    """The members of a zip archive, which PyTorch does not compress, and where they are.

    Raises:
        TorchPickleError: The archive is damaged, compressed or encrypted, or has no pickle.
    """

    def __init__(self, data: Data) -> None:
        self._data = data
        try:
            # `zipfile` reads only the directory here; a memory map has the methods of a file that it calls.
            stream = cast("IO[bytes]", data if isinstance(data, mmap.mmap) else io.BytesIO(data))
            infos = zipfile.ZipFile(stream).infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
            raise TorchPickleError(
                tr("it is not a zip archive that can be read: {error!a}", error=str(error)[:80])
            ) from None
        if len(infos) > _MAX_MEMBERS:
            raise TorchPickleError(tr("it has {n_infos:,} members", n_infos=len(infos)))
        names = [
            info.filename for info in infos if info.filename.endswith("/data.pkl") and info.filename.count("/") == 1
        ]
        if len(names) != 1:
            raise TorchPickleError(tr("it has no pickle that describes tensors"))
        self._folder = names[0].removesuffix("data.pkl")
        self._infos: Mapping[str, zipfile.ZipInfo] = {info.filename: info for info in infos}

    def has(self, name: str) -> bool:
        """Whether there is such a member."""
        return self._folder + name in self._infos

    def place(self, name: str) -> tuple[int, int]:
        """Position of the first byte of a member, and its size."""
        info = self._infos.get(self._folder + name)
        if info is None:
            raise TorchPickleError(tr("the member {name!a} is missing", name=name[:60]))
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.flag_bits & 1:
            raise TorchPickleError(tr("the member {name!a} is compressed or encrypted", name=name[:60]))
        at = info.header_offset
        header = self._data[at : at + _LOCAL_HEADER]
        if at < 0 or len(header) != _LOCAL_HEADER or header[:4] != _ZIP:
            raise TorchPickleError(tr("the member {name!a} is not where the archive says", name=name[:60]))
        start = at + _LOCAL_HEADER + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        if start + info.file_size > len(self._data):
            raise TorchPickleError(tr("the member {name!a} is truncated", name=name[:60]))
        return start, info.file_size

    def read(self, name: str, most: int) -> bytes:
        """The bytes of a small member."""
        start, size = self.place(name)
        if size > most:
            raise TorchPickleError(
                tr("the member {name!r} has {size:,} bytes, and {most:,} are allowed", name=name, size=size, most=most)
            )
        return self._data[start : start + size]
