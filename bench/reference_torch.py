"""Write the small PyTorch files of `tests/models/golden/torch`, in the environment of the peers.

    .venv-bench/bin/python bench/reference_torch.py tests/models/golden

`encoder.bin` has the weights of `bert/model.safetensors`, and `legacy.bin` has them in the form without zip.
`types.bin` and `types-legacy.bin` have tensors of each type and layout, and `expected.json` their values.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file


def main(golden: Path) -> None:
    """Write the files."""
    weights = load_file(golden / "bert" / "model.safetensors")
    folder = golden / "torch"
    folder.mkdir(exist_ok=True)
    torch.save(weights, folder / "encoder.bin")
    torch.save(weights, folder / "legacy.bin", _use_new_zipfile_serialization=False)
    numbers = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8 - 1
    tensors = {
        "float32": numbers,
        "float16": numbers.half(),
        "bfloat16": numbers.bfloat16(),
        "float64": numbers.double(),
        "int64": torch.arange(5),
        "transposed": numbers.T,
        "slice": numbers[1:3, ::2],
        "same": numbers,
        "scalar": torch.tensor(2.5),
        "none": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(numbers[0].clone()),
    }
    layer = torch.nn.Linear(2, 3)
    state = layer.state_dict()  # an OrderedDict with `_metadata`
    state.update(tensors)
    torch.save(state, folder / "types.bin")
    torch.save(state, folder / "types-legacy.bin", _use_new_zipfile_serialization=False)
    expected = {name: tensor.double().tolist() for name, tensor in state.items()}
    document = {"torch": torch.__version__, "values": expected}
    (folder / "expected.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
