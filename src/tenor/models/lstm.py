"""`lstm`: Embedding -> LSTM -> Dense.

Long short-term memory: Hochreiter and Schmidhuber (1997). Spatial dropout on the embeddings: Tompson et al. (2015).
"""

from dataclasses import dataclass
from typing import Any, Literal

from tenor.models.family import Family, NetworkConfig
from tenor.settings import require
from tenor.tasks import Task


@dataclass(frozen=True)
class Config(NetworkConfig):
    """Settings of `lstm`."""

    embedding: int = 128
    """Width of a token's vector."""
    units: int = 128
    """Width of the LSTM's state."""
    activation: Literal["tanh", "relu", "sigmoid"] = "tanh"
    """Activation of the LSTM's cell."""
    dropout: float = 0.2
    """Share of the embedding's channels that are dropped in training, the same ones over a whole text."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.embedding >= 1, "embedding", "must be 1 or more")
        require(self.units >= 1, "units", "must be 1 or more")
        require(0 <= self.dropout < 1, "dropout", "must be at least 0 and below 1")


def build(config: Config, task: Task) -> Any:
    """Ids (batch, time) -> logits (batch, outputs). The state is read at a text's last token, so padding is inert."""
    import keras

    from tenor.models.layers import LastStep

    ids = keras.Input((None,), dtype="int32", name="ids")
    vectors = keras.layers.Embedding(config.vocabulary, config.embedding, name="embedding")(ids)
    vectors = keras.layers.SpatialDropout1D(config.dropout, name="dropout")(vectors)
    states = keras.layers.LSTM(config.units, config.activation, return_sequences=True, name="lstm")(vectors)
    logits = keras.layers.Dense(task.outputs, name="logits")(LastStep(name="last")(states, ids))
    return keras.Model(ids, logits, name="lstm")


FAMILY = Family(
    name="lstm",
    summary="A recurrent network that reads the text token by token; minutes.",
    paper="Hochreiter and Schmidhuber, 1997",
    config=Config,
    build=build,
)
