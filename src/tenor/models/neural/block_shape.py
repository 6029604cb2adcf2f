"""What a block of a Transformer encoder computes, for every implementation of it: Keras, ONNX and NumPy."""

from dataclasses import dataclass

MASKED_SCORE = -30_000.0
"""The attention score of padding: finite, and its exp is 0 in float32 and bfloat16."""


@dataclass(frozen=True)
class BlockShape:
    """What a block computes.

    Attributes:
        heads: Attention heads; they share the width.
        hidden: Width of the feed-forward layer.
        activation: Activation of the feed-forward layer: a Keras name, or `gelu_tanh` for the approximation of GELU.
        norm_first: Normalise the input of each sub-layer (pre-norm); else the sum (post-norm).
        epsilon: Epsilon of the normalisations.
    """

    heads: int
    hidden: int
    activation: str = "gelu"
    norm_first: bool = False
    epsilon: float = 1e-12
