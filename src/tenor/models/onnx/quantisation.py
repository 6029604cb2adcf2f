"""Kernels as integers whose products are exact on every processor.

A processor without VNNI multiplies unsigned by signed bytes two at a time and adds both products in 16 bits, where they
saturate (Intel's VPMADDUBSW); ONNX Runtime uses that instruction. Two products of a value of 0 to 255 and a weight of
-64 to 64 are 32,640 at most and fit, so the sums are exact, whatever the processor. With weights of -127 to 127 nearly
every sum was wrong.
"""

import numpy as np
import numpy.typing as npt

LARGEST_WEIGHT = 64
"""Weights are -64 to 64: 2 * 255 * 64 = 32,640 fits into 16 bits, which hold 32,767."""
LARGEST_VALUE, MIDDLE = 127, 128
"""Values are -127 to 127, stored as unsigned bytes around 128."""
LONGEST_SUM = 131_072
"""Most rows of a kernel: the sum of this many products, 255 * 64 each, fits into 32 bits."""


def quantise(kernel: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """A kernel as integers, and a scale for each of its columns.

    Args:
        kernel: (in, out).

    Returns:
        (in, out) integers from -64 to 64, and (out,) scales: `integers * scales` approximates the kernel.
    """
    scales = np.maximum(np.abs(kernel).max(axis=0), 1e-12) / LARGEST_WEIGHT
    return np.rint(kernel / scales).astype(np.int8), scales.astype(np.float32)
