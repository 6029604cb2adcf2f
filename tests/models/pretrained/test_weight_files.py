"""Files of weights are in memory only while a tensor is copied."""

import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import numpy as safetensors

from tenor._core import disk_arrays
from tenor.models.pretrained.weight_files import WeightFiles

GOLDEN = Path(__file__).parents[1] / "golden"


def resident(file: Path) -> int:
    """Bytes of a mapped file that are in memory."""
    sizes, is_file = 0, False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        name, *values = line.split()
        if not name.endswith(":"):
            is_file = values[-1:] == [str(file)]
        elif is_file and name == "Rss:":
            sizes += int(values[0]) << 10
    return sizes


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_tensor_leaves_memory_once_it_is_copied(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    tensors = {f"layer.{number}": np.full((512, 512), number, np.float32) for number in range(4)}
    safetensors.save_file(tensors, file)
    files = WeightFiles(tmp_path, None)
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(files.read(name), tensor)
        assert resident(file) < tensor.nbytes


@pytest.mark.parametrize("form", ["encoder", "legacy"])
def test_tensors_of_pytorch_are_views_of_the_file(form: str, tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes((GOLDEN / "torch" / f"{form}.bin").read_bytes())
    files = WeightFiles(tmp_path, None)
    assert all(disk_arrays.is_on_disk(tensor) for tensor in files._tensors.values() if tensor.size)
