"""Damaged files of PyTorch, drawn from a seed: each is read, or refused with a ValueError, and nothing runs.

PYTHONPATH=tests python tests/fuzz/torch_files.py [ROUNDS [SEED]]
"""

import random
import sys
from pathlib import Path

import numpy as np

from tenor.models.pretrained import torch_file

GOLDEN = Path(__file__).parents[1] / "models" / "golden" / "torch"
FILES = ("types.bin", "types-legacy.bin", "encoder.bin", "legacy.bin")
OPCODES = bytes(range(0x80, 0x98)) + b"(.0123GIFJKLMNPQRSTUVXabcdeghijlopqrstu}])BC"
"""The instructions of all pickles, harmful ones among them."""


def mutate(data: bytes, draw: random.Random) -> bytes:
    """The bytes with a few changes: bytes, instructions, integers, parts removed, repeated or swapped, an end cut."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 4, 8))):
        at = draw.randrange(len(changed))
        kind = draw.randrange(8)
        if kind == 0:
            changed[at] = draw.randrange(256)
        elif kind == 1:
            changed[at] ^= 1 << draw.randrange(8)
        elif kind == 2:
            changed[at] = draw.choice(OPCODES)
        elif kind == 3:
            size = draw.choice((1, 2, 4, 8))
            changed[at : at + size] = draw.choice((0, 1, 255, 1 << 31, 1 << 40)).to_bytes(8, "little")[:size]
        elif kind == 4:
            del changed[at : at + draw.randrange(1, 40)]
        elif kind == 5:
            changed[at:at] = changed[at : at + draw.randrange(1, 40)]
        elif kind == 6:
            other = draw.randrange(len(changed))
            changed[at], changed[other] = changed[other], changed[at]
        else:
            del changed[draw.randrange(len(changed)) :]
        if not changed:
            return b"\x80"
    return bytes(changed)


def run(rounds: int, seed: int = 0) -> tuple[int, int]:
    """Read so many damaged files. Returns how many were read and how many were refused."""
    draw = random.Random(seed)
    files = [(GOLDEN / name).read_bytes() for name in FILES]
    weights = draw.choices(range(len(files)), (8, 8, 1, 1), k=rounds)
    n_read = 0
    for number in weights:
        try:
            tensors = torch_file.read(mutate(files[number], draw))
        except ValueError:
            continue
        n_read += 1
        for tensor in tensors.values():
            assert isinstance(tensor, np.ndarray) and tensor.size <= len(files[number])
            np.array(tensor)  # every number is inside the file
    return n_read, rounds - n_read


if __name__ == "__main__":
    rounds, seed = (int(value) for value in [*sys.argv[1:], *("100000", "0")[len(sys.argv) - 1 :]])
    print("damaged files of PyTorch: {:,} read, {:,} refused".format(*run(rounds, seed)))
