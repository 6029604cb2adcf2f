"""The training texts in a few kilobytes that hold none of them: enough to say how many of other texts are among them.

This is a Bloom filter with one hash function (Bloom, 1970): a training text sets one of m bits. A quarter of the bits
are set, so every fourth text that the model was not trained on meets a set bit as well. Nobody can tell from the filter
that a guessed text was in the training data, but of many texts it gives the share.
"""

import base64
import binascii
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor._core.records import JsonMapping, JsonObject
from tenor.data.blocks import Hashes, text_hash

_MAX_TEXTS = 1 << 14  # of more, a sample by their hashes is recorded
_TEXTS_PER_BIT = -math.log(1 - 0.25)  # so that a quarter of the bits are set
_MIN_TEXTS = 8  # that are looked up, to say anything
_MIN_SHARE = 0.05
_MIN_DEVIATIONS = 4.0  # by which the set bits that are met exceed those that new texts would meet


@dataclass(frozen=True)
class TextFilter:
    """The filter.

    Attributes:
        bits: (m,) the bits, m a multiple of 8.
        halvings: How often the texts were halved to a sample: those whose hash begins with this many zeros.
    """

    bits: npt.NDArray[np.bool_]
    halvings: int = 0

    @classmethod
    def of(cls, texts: Sequence[str]) -> "TextFilter":
        """The filter of the training texts; `texts` is read once, in little memory."""
        halvings = halvings_for(len(texts))
        return cls.of_sample(sample(texts, halvings), halvings)

    @classmethod
    def of_sample(cls, sampled: Hashes, halvings: int) -> "TextFilter":
        """The filter of training texts whose sample `sample` gave."""
        bits = np.zeros(8 * math.ceil(max(len(sampled), 1) / _TEXTS_PER_BIT / 8), bool)
        bits[sampled % len(bits)] = True
        return cls(bits, halvings)

    def share_of(self, texts: Sequence[str]) -> float:
        """About how many of these texts, from 0 to 1, were trained on; 0 where it may be by chance, or under 0.05."""
        sampled, expected = sample(texts, self.halvings), float(self.bits.mean())
        if len(sampled) < _MIN_TEXTS or expected == 1:
            return 0.0
        excess = float(self.bits[sampled % len(self.bits)].mean()) - expected
        share = excess / (1 - expected)
        deviation = math.sqrt(expected * (1 - expected) / len(sampled))
        return share if share >= _MIN_SHARE and excess >= _MIN_DEVIATIONS * deviation else 0.0

    def to_dict(self) -> JsonObject:
        """The filter as JSON."""
        return {"bits": base64.b64encode(np.packbits(self.bits).tobytes()).decode(), "halvings": self.halvings}

    @classmethod
    def from_dict(cls, values: JsonMapping) -> "TextFilter | None":
        """The filter that `to_dict` wrote; None for anything else, since anybody may have written the file."""
        bits, halvings = values.get("bits"), values.get("halvings")
        if not isinstance(bits, str) or type(halvings) is not int or not 0 <= halvings < 64:
            return None
        try:
            data: Any = base64.b64decode(bits, validate=True)
        except (binascii.Error, ValueError):
            return None
        return cls(np.unpackbits(np.frombuffer(data, np.uint8)).astype(bool), halvings) if data else None


def halvings_for(n_texts: int) -> int:
    """How often this many texts are halved to a sample."""
    return max(0, math.ceil(math.log2(max(n_texts, 1) / _MAX_TEXTS)))


def sample(texts: Sequence[str], halvings: int) -> Hashes:
    """The hashes of the distinct texts whose hash begins with this many zeros."""
    limit = 1 << (64 - halvings)
    return np.array(sorted({number for text in texts if (number := text_hash(text)) < limit}), np.uint64)
