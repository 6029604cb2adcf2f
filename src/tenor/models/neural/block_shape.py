"""What the embeddings and a block of an encoder compute, for every implementation: Keras, ONNX and NumPy."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tenor.models.neural.relative_positions import RelativeShape

MASKED_SCORE = -30_000.0
"""The attention score of padding: finite, and its exp is 0 in float32 and bfloat16."""
MIN_MEAN_SQUARE = 1e-12
"""Of a vector that is scaled to one length, so that a vector of zeros stays."""

NORMS = ("layer", "rms")
"""Layer normalisation (Ba et al., 2016) and RMS normalisation (Zhang and Sennrich, 2019)."""


@dataclass(frozen=True)
class EmbeddingShape:
    """What the embeddings of an encoder compute: token plus position, normalised, projected to `width`.

    Attributes:
        tokens: Number of token ids.
        positions: Rows of the table of positions; None: no table.
        width: Width of the values.
        inner: Width of the tables (Lan et al., 2020).
        epsilon: Epsilon of the layer normalisation; None: no normalisation.
        norm_shift: Whether the normalisation adds a shift.
        second_segment: Whether ids from `tokens` on are those of a second text: the same tokens, to which a vector is
            added (Devlin et al., 2019, token types).
    """

    tokens: int
    positions: int | None
    width: int
    inner: int
    epsilon: float | None = 1e-12
    norm_shift: bool = True
    second_segment: bool = False

    @property
    def n_ids(self) -> int:
        """One more than the largest id."""
        return 2 * self.tokens if self.second_segment else self.tokens

    def weights(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Name and shape of each weight."""
        yield "token", (self.tokens, self.inner)
        if self.positions is not None:
            yield "position", (self.positions, self.inner)
        if self.second_segment:
            yield "second_segment", (self.inner,)
        if self.epsilon is not None:
            yield "scale", (self.inner,)
            if self.norm_shift:
                yield "shift", (self.inner,)
        if self.inner != self.width:
            yield "kernel", (self.inner, self.width)
            yield "bias", (self.width,)


@dataclass(frozen=True)
class BlockShape:
    """What a block computes.

    Attributes:
        heads: Attention heads; they share the width.
        hidden: Width of the feed-forward layer.
        activation: Activation of the feed-forward layer: a Keras name, or `gelu_tanh` for the approximation of GELU.
        norm_first: Normalise the input of each sub-layer (pre-norm); else the sum (post-norm).
        epsilon: Epsilon of the normalisations.
        norm: Kind of the normalisations, one of `NORMS`.
        norm_shift: Whether layer normalisation adds a shift.
        attention_norm: Whether the attention has a normalisation.
        key_heads: Heads of keys and values; each serves several heads of queries (Ainslie et al., 2023, GQA);
            None: `heads`.
        gated: Whether the activated values of the feed-forward layer are multiplied by a second product of the input:
            GeGLU, SwiGLU (Shazeer, 2020).
        attention_bias: Whether the projections of the attention add a bias.
        up_bias: Whether the first feed-forward layer adds a bias.
        down_bias: Whether the second one does.
        rotary_base: Base of the rotary positions of queries and keys (Su et al., 2021, RoFormer); None: no rotation.
        rotary_divisor: Divisor of their frequencies.
        window: A token attends to this many tokens on each side (Beltagy et al., 2020); None: to all.
        relative: Relative positions of disentangled attention: scores depend on them by the products of each content
            with the other's position (He et al., 2021, DeBERTa); None: they do not.
    """

    heads: int
    hidden: int
    activation: str = "gelu"
    norm_first: bool = False
    epsilon: float = 1e-12
    norm: str = "layer"
    norm_shift: bool = True
    attention_norm: bool = True
    key_heads: int | None = None
    gated: bool = False
    attention_bias: bool = True
    up_bias: bool = True
    down_bias: bool = True
    rotary_base: float | None = None
    rotary_divisor: float = 1.0
    window: int | None = None
    relative: RelativeShape | None = None

    @property
    def has_shift(self) -> bool:
        """Whether normalisations have a shift."""
        return self.norm == "layer" and self.norm_shift

    def weights(self, width: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Name and shape of each weight. Names with `_scale` start as ones, with `_shift` and `_bias` as zeros."""
        kernels = {
            "query_key_value": ((width, self._projected(width)), self.attention_bias),
            "attended": ((width, width), self.attention_bias),
            "up": ((width, (2 if self.gated else 1) * self.hidden), self.up_bias),
            "down": ((self.hidden, width), self.down_bias),
        }
        for name, (shape, has_bias) in kernels.items():
            yield name, shape
            if has_bias:
                yield f"{name}_bias", shape[1:]
        for name in ("attention", "feed_forward")[0 if self.attention_norm else 1 :]:
            yield f"{name}_scale", (width,)
            if self.has_shift:
                yield f"{name}_shift", (width,)

    def lora_weights(self, width: int, rank: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Name and shape of the LoRA weights of query, key and value (Hu et al., 2022)."""
        yield "lora_in", (width, rank)
        yield "lora_out", (rank, self._projected(width))

    def score_divisor(self, width: int) -> float:
        """The divisor of the attention scores, which are sums of one or three products."""
        return math.sqrt((3 if self.relative is not None else 1) * (width // self.heads))

    def parts(self, width: int) -> list[int]:
        """The columns of the kernel of query, key and value where keys and values start."""
        return [width, width + self._key_width(width)]

    def shared_columns(self, width: int) -> npt.NDArray[np.int32] | None:
        """The columns of the kernel of query, key and value, with those of shared keys and values for each head.

        Returns:
            (3 * width,) numbers of columns; None: each head has keys and values of its own.
        """
        if self.key_heads in (None, self.heads):
            return None
        size, groups = width // self.heads, self.heads // (self.key_heads or 1)
        shared = np.repeat(np.arange(self._key_width(width)).reshape(-1, size), groups, axis=0).ravel()
        columns = [np.arange(width), width + shared, width + self._key_width(width) + shared]
        return np.concatenate(columns).astype(np.int32)

    def rotary_frequencies(self, width: int) -> npt.NDArray[np.float32]:
        """(width / heads / 2,) radians per token."""
        size = width // self.heads
        exponents = np.arange(0, size, 2, dtype=np.float32) / np.float32(size)
        frequencies = 1 / (np.float32(self.rotary_base or 1) ** exponents)
        return np.asarray(frequencies / np.float32(self.rotary_divisor), np.float32)

    def _key_width(self, width: int) -> int:
        return width // self.heads * (self.key_heads or self.heads)

    def _projected(self, width: int) -> int:
        return width + 2 * self._key_width(width)
