"""`lstm`: Embedding -> LSTM -> Dense.

Long short-term memory: Hochreiter and Schmidhuber (1997). Spatial dropout on the embeddings: Tompson et al. (2015).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from tenor._core.language import tr
from tenor.config.search_space import Choice, Range, Space
from tenor.config.settings import require, setting
from tenor.models.family import NetworkFamily
from tenor.models.network_config import WordConfig
from tenor.models.neural import tokens
from tenor.models.neural.keras_types import KerasLayer, KerasModel
from tenor.models.neural.shapes import Shapes, dense, lstm
from tenor.tasks import Task


@dataclass(frozen=True)
class Config(WordConfig):
    """Settings of `lstm`."""

    optimizer_defaults: ClassVar[Mapping[str, Mapping[str, float]]] = {
        "sgd": {"learning_rate": 1.0, "embedding_rate": 1000.0, "frequency_power": 0.5},
        "momentum": {"learning_rate": 0.1, "embedding_rate": 1000.0, "frequency_power": 0.5},
    }

    embedding: int = setting(128, "width of a token's vector")
    units: int = setting(128, "width of the LSTM's state")
    activation: Literal["tanh", "relu", "sigmoid"] = setting(
        "tanh",
        "activation of the LSTM's cell: `tanh`, `relu` or `sigmoid`",
    )
    bidirectional: bool = setting(False, "add a second LSTM that reads the text backwards")
    pooling: Literal["last", "mean", "max"] = setting(
        "last",
        "how the states of all tokens become one vector: `last`, `mean` or `max`",
    )
    memory: int | None = setting(
        100,
        "longest initial memory of the cells, in steps; none starts all forget biases at 1",
    )
    dropout: float = setting(0.2, "dropout of embedding channels in training, the same ones over a whole text")

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.embedding >= 1, "embedding", tr("must be 1 or more"))
        require(self.units >= 1, "units", tr("must be 1 or more"))
        require(self.memory is None or self.memory >= 2, "memory", tr("must be 2 or more, or none"))
        require(0 <= self.dropout < 1, "dropout", tr("must be at least 0 and below 1"))

    @classmethod
    def space(cls, task: Task) -> Space:
        """The settings that a search may change."""
        return {
            **super().space(task),
            "embedding": Choice((64, 128, 256)),
            "units": Choice((64, 128, 256)),
            "pooling": Choice(("last", "mean", "max")),
            "dropout": Range(0.0, 0.6),
        }


def build(config: Config, task: Task) -> KerasModel:
    """Ids (batch, time) -> logits (batch, outputs). The pool leaves out states at padding."""
    import keras

    from tenor.models.neural.layers import Pool, ReverseSequence

    ids = keras.Input((None,), dtype="int32", name="ids")
    vectors = keras.layers.Embedding(config.vocabulary, config.embedding, name="embedding")(ids)
    vectors = keras.layers.SpatialDropout1D(config.dropout, name="dropout")(vectors)
    states = _lstm(config, "lstm")(vectors)
    features = Pool(config.pooling, name="pool")(states, ids)
    if config.bidirectional:
        # Each text is reversed within its own length, so that padding stays on the right.
        backwards = _lstm(config, "lstm_backwards")(ReverseSequence(name="reverse")(vectors, ids))
        features = keras.layers.Concatenate(name="features")(
            [features, Pool(config.pooling, name="pool_backwards")(backwards, ids)]
        )
    logits = keras.layers.Dense(task.n_outputs, name="logits")(features)
    return keras.Model(ids, logits, name="lstm")


def _lstm(config: Config, name: str) -> KerasLayer:
    """An LSTM layer, sharded by rows where processes train together."""
    import keras

    from tenor.models.neural import parallel
    from tenor.models.neural.layers import ChronoBias

    return parallel.shard_map_rows(keras.layers.LSTM)(
        config.units,
        config.activation,
        bias_initializer=ChronoBias(config.memory) if config.memory else "zeros",
        unit_forget_bias=config.memory is None,
        return_sequences=True,
        name=name,
    )


def shapes(config: Config, outputs: int) -> Shapes:
    """The weights of the network that `build` makes."""
    yield "embedding/embeddings", (config.vocabulary, config.embedding)
    names = ("lstm", "lstm_backwards") if config.bidirectional else ("lstm",)
    for name in names:
        yield from lstm(name, config.embedding, config.units)
    yield from dense("logits", len(names) * config.units, outputs)


FAMILY = NetworkFamily(
    name="lstm",
    summary="A recurrent network that reads the text token by token; minutes.",
    paper="Hochreiter and Schmidhuber, 1997",
    config=Config,
    build=build,
    shapes=shapes,
    encode=tokens.encode,
)
