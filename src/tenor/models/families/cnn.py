"""`cnn`: Embedding -> convolutions of several widths -> maximum over the text -> Dense.

Kim (2014), "Convolutional Neural Networks for Sentence Classification".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tenor._core.language import tr
from tenor.config.search_space import Choice, Range, Space
from tenor.config.settings import require, setting
from tenor.models.family import NetworkFamily
from tenor.models.network_config import Activation, WordConfig
from tenor.models.neural import tokens
from tenor.models.neural.keras_types import KerasModel
from tenor.models.neural.shapes import Shapes, dense
from tenor.tasks import Task


@dataclass(frozen=True)
class Config(WordConfig):
    """Settings of `cnn`."""

    optimizer_defaults: ClassVar[Mapping[str, Mapping[str, float]]] = {
        "sgd": {"learning_rate": 0.5, "embedding_rate": 6.0, "frequency_power": 0.5},
        "momentum": {"learning_rate": 0.1, "embedding_rate": 3.0, "frequency_power": 0.5},
    }

    max_length: int = setting(400)
    learning_rate: float = setting(0.004)
    embedding: int = setting(128, "width of a token's vector")
    widths: tuple[int, ...] = setting((3, 4, 5), "widths of the filters in tokens; one group of filters for each")
    filters: int = setting(100, "number of filters of each width")
    activation: Activation = setting("relu", "activation of the filters: `relu`, `tanh`, `sigmoid` or `gelu`")
    dropout: float = setting(0.5, "dropout of the pooled features in training")

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.embedding >= 1, "embedding", tr("must be 1 or more"))
        require(bool(self.widths) and all(width >= 1 for width in self.widths), "widths", tr("must be 1 or more each"))
        require(self.filters >= 1, "filters", tr("must be 1 or more"))
        require(0 <= self.dropout < 1, "dropout", tr("must be at least 0 and below 1"))

    @classmethod
    def space(cls, task: Task) -> Space:
        """The settings that a search may change."""
        return {
            **super().space(task),
            "embedding": Choice((64, 128, 256)),
            "widths": Choice(((1, 2, 3), (2, 3, 4), (3, 4, 5))),
            "filters": Choice((64, 100, 200)),
            "dropout": Range(0.0, 0.7),
        }


def build(config: Config, task: Task) -> KerasModel:
    """Ids (batch, time) -> logits (batch, outputs). Filters see zeros at padding, and the maximum leaves it out."""
    import keras

    from tenor.models.neural.layers import Pool, ZeroPadding

    ids = keras.Input((None,), dtype="int32", name="ids")
    vectors = keras.layers.Embedding(config.vocabulary, config.embedding, name="embedding")(ids)
    vectors = ZeroPadding(name="zero_padding")(vectors, ids)
    pooled = [
        Pool("max", name=f"pool_{width}")(
            keras.layers.Conv1D(
                config.filters, width, padding="same", activation=config.activation, name=f"convolution_{width}"
            )(vectors),
            ids,
        )
        for width in dict.fromkeys(config.widths)
    ]
    features = keras.layers.Concatenate(name="features")(pooled) if len(pooled) > 1 else pooled[0]
    features = keras.layers.Dropout(config.dropout, name="dropout")(features)
    return keras.Model(ids, keras.layers.Dense(task.n_outputs, name="logits")(features), name="cnn")


def shapes(config: Config, outputs: int) -> Shapes:
    """The weights of the network that `build` makes."""
    yield "embedding/embeddings", (config.vocabulary, config.embedding)
    widths = dict.fromkeys(config.widths)
    for width in widths:
        yield f"convolution_{width}/kernel", (width, config.embedding, config.filters)
        yield f"convolution_{width}/bias", (config.filters,)
    yield from dense("logits", len(widths) * config.filters, outputs)


FAMILY = NetworkFamily(
    name="cnn",
    summary="A convolutional network that looks for phrases; minutes.",
    paper="Kim, 2014",
    config=Config,
    build=build,
    shapes=shapes,
    encode=tokens.encode,
)
