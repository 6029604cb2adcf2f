"""`transformer`: a Transformer encoder, trained from scratch.

Token and position embeddings, which start as sines and cosines, pre-norm blocks of self-attention and feed-forward, the
mean over the tokens, Dense.
Vaswani et al. (2017), "Attention Is All You Need"; pre-norm: Xiong et al. (2020), "On Layer Normalization in the
Transformer Architecture".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tenor._core.language import tr
from tenor.config.search_space import Choice, Range, Space
from tenor.config.settings import require, setting
from tenor.models.family import NetworkFamily
from tenor.models.network_config import Activation, Precision, WordConfig
from tenor.models.neural import tokens
from tenor.models.neural.block_shape import BlockShape, EmbeddingShape
from tenor.models.neural.keras_types import KerasModel
from tenor.models.neural.shapes import Shapes, block, dense, embeddings, norm
from tenor.tasks import Task


@dataclass(frozen=True)
class Config(WordConfig):
    """Settings of `transformer`."""

    optimizer_defaults: ClassVar[Mapping[str, Mapping[str, float]]] = {
        "sgd": {"learning_rate": 0.3, "embedding_rate": 30.0},
        "momentum": {"learning_rate": 0.05, "embedding_rate": 30.0},
    }

    learning_rate: float = setting(
        0.002,
        "the peak learning rate; it rises to it and then falls linearly to 0. From a pretrained encoder 0.006",
    )
    warmup: float = setting(0.1)
    width: int = setting(64, "width of a token's vector")
    blocks: int = setting(2, "number of blocks of self-attention and feed-forward layers")
    heads: int = setting(2, "attention heads; they share the width")
    feed_forward: int = setting(128, "width of the feed-forward layers")
    activation: Activation = setting(
        "gelu",
        "activation of the feed-forward layers: `relu`, `tanh`, `sigmoid` or `gelu`",
    )
    dropout: float = setting(0.3, "dropout in training")
    precision: Precision = setting(
        "auto",
        "precision of training: `auto`, `float32` or `bfloat16`; auto uses bfloat16 if the processor supports it",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in ("width", "blocks", "heads", "feed_forward"):
            require(getattr(self, key) >= 1, key, tr("must be 1 or more"))
        require(self.width % self.heads == 0, "width", tr("must be a multiple of heads"))
        require(0 <= self.dropout < 1, "dropout", tr("must be at least 0 and below 1"))

    @classmethod
    def space(cls, task: Task) -> Space:
        """The settings that a search may change."""
        return {
            **super().space(task),
            "width": Choice((64, 128)),
            "blocks": Range(1, 4, integer=True),
            "dropout": Range(0.0, 0.5),
        }


def build(config: Config, task: Task) -> KerasModel:
    """Ids (batch, time) -> logits (batch, outputs). No token attends to padding, and the mean leaves it out."""
    import keras

    from tenor.models.neural import precision
    from tenor.models.neural.embeddings import AttentionMask, Embeddings
    from tenor.models.neural.encoder import Block, Norm
    from tenor.models.neural.layers import Pool

    ids = keras.Input((None,), dtype="int32", name="ids")
    padding = AttentionMask(name="padding")(ids)
    values = Embeddings(_embedding_shape(config), config.dropout, sinusoidal=True, name="embeddings")(ids)
    block_shape = _block_shape(config)
    for number in range(config.blocks):
        values = Block(block_shape, config.dropout, name=f"block_{number}")(values, padding)
    values = keras.layers.Identity(name="values")(Norm(block_shape, name="norm")(values))
    pooled = keras.layers.Dropout(config.dropout, name="dropout")(Pool("mean", name="pool")(values, ids))
    logits = keras.layers.Dense(task.n_outputs, dtype=precision.head_dtype(), name="logits")(pooled)
    return keras.Model(ids, logits, name="transformer")


def shapes(config: Config, outputs: int) -> Shapes:
    """The weights of the network that `build` makes."""
    yield from embeddings(_embedding_shape(config))
    for number in range(config.blocks):
        yield from block(number, config.width, _block_shape(config))
    yield from norm("norm", config.width)
    yield from dense("logits", config.width, outputs)


def _embedding_shape(config: Config) -> EmbeddingShape:
    return EmbeddingShape(config.vocabulary, config.max_length, config.width, config.width, epsilon=None)


def _block_shape(config: Config) -> BlockShape:
    return BlockShape(config.heads, config.feed_forward, config.activation, norm_first=True, epsilon=1e-6)


FAMILY = NetworkFamily(
    name="transformer",
    summary="Self-attention between all tokens, trained from scratch; minutes.",
    paper="Vaswani et al., 2017",
    config=Config,
    build=build,
    shapes=shapes,
    encode=tokens.encode,
    # It sees each text a few times at most, so it needs no dropout, and as many steps as possible.
    pretraining={"dropout": 0.0, "batch_tokens": 4_096, "learning_rate": 0.004},
    after_pretraining={"learning_rate": 0.006},  # pretrained weights are larger than initial ones
    structure=("vocabulary", "tokens", "max_length", "width", "blocks", "heads", "feed_forward", "activation"),
)
