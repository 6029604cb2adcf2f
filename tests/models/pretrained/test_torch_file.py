"""Files of PyTorch are read without PyTorch, and whatever would run something is refused."""

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fuzz import torch_files
from tenor._core.tensor_file import BFLOAT16
from tenor.models.pretrained import torch_file
from tenor.models.pretrained.torch_pickle import TorchPickleError

GOLDEN = Path(__file__).parents[1] / "golden" / "torch"
FORMS = ("types.bin", "types-legacy.bin")


def values(array: np.ndarray[Any, Any]) -> Any:
    """The numbers of a tensor in lists."""
    if array.dtype == BFLOAT16:
        halves = np.ascontiguousarray(array).view(np.uint16).astype(np.uint32)
        return (halves << np.uint32(16)).view(np.float32).tolist()
    return array.tolist()


@pytest.mark.parametrize("form", FORMS)
def test_every_type_and_layout_has_the_values_of_pytorch(form: str) -> None:
    expected = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))["values"]
    tensors = torch_file.read((GOLDEN / form).read_bytes())
    assert {name: values(tensor) for name, tensor in tensors.items()} == expected
    assert tensors["int64"].dtype == np.int64 and tensors["float16"].dtype == np.float16


@pytest.mark.parametrize("form", FORMS)
def test_every_file_that_is_cut_off_is_refused(form: str) -> None:
    data = (GOLDEN / form).read_bytes()
    for size in range(0, len(data) - 1, 7):
        with pytest.raises(TorchPickleError):
            torch_file.read(data[:size])


def test_damaged_files_are_read_or_refused() -> None:
    n_read, n_refused = torch_files.run(1_500, seed=3)
    assert n_read > 50 and n_refused > 500


# Pickles that mean harm


def archive(data: bytes, members: dict[str, bytes] | None = None) -> bytes:
    """A zip archive as PyTorch writes it, with this pickle."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as target:
        for name, content in {"data.pkl": data, "byteorder": b"little", "data/0": bytes(64), **(members or {})}.items():
            target.writestr(f"archive/{name}", content)
    return stream.getvalue()


class Call:
    """An object whose pickle calls a function when it is loaded."""

    def __init__(self, function: Callable[..., object], *arguments: object, **more: object) -> None:
        self.parts = (function, arguments, *more.values())

    def __reduce__(self) -> Any:
        return self.parts


def harmful(marker: Path) -> dict[str, bytes]:
    """Pickles that would make the file `marker` if they ran, or that abuse what is allowed."""
    import builtins
    import functools
    import importlib
    import operator
    import shutil
    import subprocess

    code = f"open({str(marker)!r}, 'w').close()"
    calls = {
        "os.system": Call(os.system, f"touch {marker}"),
        "os.mkdir": Call(os.mkdir, str(marker)),
        "os.popen": Call(os.popen, f"touch {marker}"),
        "os.open": Call(os.open, str(marker), os.O_CREAT),
        "subprocess.run": Call(subprocess.run, ["touch", str(marker)]),
        "subprocess.Popen": Call(subprocess.Popen, ["touch", str(marker)]),
        "builtins.exec": Call(builtins.exec, code),
        "builtins.eval": Call(builtins.eval, code),
        "builtins.compile": Call(builtins.compile, code, "a", "exec"),
        "builtins.open": Call(builtins.open, str(marker), "w"),
        "builtins.getattr": Call(builtins.getattr, "a", "upper"),
        "importlib.import_module": Call(importlib.import_module, "antigravity"),
        "functools.partial": Call(functools.partial, os.system, f"touch {marker}"),
        "operator.attrgetter": Call(operator.attrgetter, "system"),
        "shutil.copyfile": Call(shutil.copyfile, __file__, str(marker)),
        "pickle.loads": Call(pickle.loads, pickle.dumps(Call(os.mkdir, str(marker)))),
        "nested": {"weight": [Call(os.mkdir, str(marker))]},
        "as a key": {("a", Call(os.getpid)): 1},
        "bytearray": bytearray(b"abc"),
        "set": {1, 2},
        "complex": complex(1, 2),
        "path": Path("/etc/passwd"),
    }
    written = {
        f"{name}, protocol {protocol}": pickle.dumps(value, protocol)
        for name, value in calls.items()
        for protocol in (2, 4)
    }
    storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x10tQ"
    tensor = (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\0K\x04\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR"
    )
    return written | {
        "torch.load": b"\x80\x02ctorch\nload\nX\x01\0\0\0a\x85R.",
        "storage from bytes": b"\x80\x02ctorch.storage\n_load_from_bytes\nX\x01\0\0\0a\x85R.",
        "a module through a dot": b"\x80\x02ctorch\n_utils.os.system\nX\x01\0\0\0a\x85R.",
        "a type that is called": b"\x80\x02ctorch\nFloatStorage\nK\x05\x85R.",
        "an object that is built": b"\x80\x02ccollections\nOrderedDict\n)\x81.",
        "an extension": b"\x80\x02\x82\x01.",
        "an instance": b"(S'touch'\nios\nsystem\n.",
        "an object of protocol 1": b"(cos\nsystem\nS'touch'\no.",
        "items of a tensor": b"\x80\x02" + tensor + b"X\x01\0\0\0aK\x01s.",
        "state of a tensor": b"\x80\x02" + tensor + b"}b.",
        "elements of a dict": b"\x80\x02}K\x01a.",
        "a stack that is empty": b"\x80\x02R.",
        "a mark that is missing": b"\x80\x02t.",
        "a value never remembered": b"\x80\x02h\x07.",
        "two values": b"\x80\x02}}.",
        "a long string": b"\x80\x02X\xff\xff\xff\x7fabc.",
        "a large integer": b"\x80\x02\x8a\xff" + bytes(255) + b".",
        "a shape beyond the storage": b"\x80\x02}X\x01\0\0\0w" + tensor.replace(b"K\x04\x85", b"K\x40\x85") + b"s.",
        "a negative shape": b"\x80\x02}X\x01\0\0\0w" + tensor.replace(b"K\x04\x85", b"J\xff\xff\xff\xff\x85") + b"s.",
        "an offset beyond the storage": b"\x80\x02}X\x01\0\0\0w" + tensor.replace(b"K\0K\x04", b"K\x0fK\x04") + b"s.",
        "a negative offset": b"\x80\x02}X\x01\0\0\0w" + tensor.replace(b"K\0K\x04", b"J\xf0\xff\xff\xffK\x04") + b"s.",
        "a step beyond the storage": b"\x80\x02}X\x01\0\0\0w"
        + tensor.replace(b"K\x01\x85\x89", b"K\x09\x85\x89")
        + b"s.",
        "a storage of another length": b"\x80\x02}X\x01\0\0\0w" + tensor.replace(b"K\x10tQ", b"M\xff\x7ftQ") + b"s.",
        "a storage that is missing": b"\x80\x02}X\x01\0\0\0w" + tensor.replace(b"\x000X\x03", b"\x009X\x03") + b"s.",
        "a storage by a path": b"\x80\x02}X\x01\0\0\0w"
        + tensor.replace(b"\x01\0\0\x000X\x03", b"\x0b\0\0\0/etc/passwdX\x03")
        + b"s.",
        "no tensors": b"\x80\x02}.",
        "a list": b"\x80\x02].",
        "a number": b"\x80\x02K\x01.",
    }


def test_the_pickle_of_the_refused_ones_is_otherwise_read(tmp_path: Path) -> None:
    pickles = harmful(tmp_path / "marker")
    good = pickles["a shape beyond the storage"].replace(b"K\x40\x85", b"K\x04\x85")
    assert torch_file.read(archive(good))["w"].tolist() == [0, 0, 0, 0]


def test_nothing_runs(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    pickles = harmful(marker)
    assert len(pickles) > 50
    for name, data in pickles.items():
        with pytest.raises(TorchPickleError):
            torch_file.read(archive(data))
        if data[:1] == b"\x80":
            with pytest.raises(TorchPickleError):
                torch_file.read(pickle.dumps(0x1950A86A20F9469CFC6C, 2) + data)
        assert not marker.exists(), name


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"byteorder": b"big"}, "not little-endian"),
        ({"data/0": bytes(10)}, "which are too few"),
    ],
)
def test_members_that_do_not_fit_are_refused(tmp_path: Path, members: dict[str, bytes], problem: str) -> None:
    good = harmful(tmp_path / "m")["a shape beyond the storage"].replace(b"K\x40\x85", b"K\x04\x85")
    with pytest.raises(TorchPickleError, match=problem):
        torch_file.read(archive(good, members))


def test_a_compressed_archive_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("archive/data.pkl", b"\x80\x02}." + bytes(10**6))
    with pytest.raises(TorchPickleError, match="is compressed or encrypted"):
        torch_file.read(stream.getvalue())


def test_an_archive_without_a_pickle_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as target:
        target.writestr("code/model.py", b"import os")
    with pytest.raises(TorchPickleError, match="no pickle that describes tensors"):
        torch_file.read(stream.getvalue())


def test_the_tar_form_is_refused() -> None:
    with pytest.raises(TorchPickleError, match="not a file of PyTorch"):
        torch_file.read(b"pickle".ljust(512, b"\0") + struct.pack("<q", 5))
