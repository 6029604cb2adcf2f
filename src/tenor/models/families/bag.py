"""`bag`: the mean of the embeddings of a text's n-grams -> hidden layers, if any -> Dense.

fastText: Joulin et al. (2017), "Bag of Tricks for Efficient Text Classification"; with hidden layers a deep averaging
network: Iyyer et al. (2015), "Deep Unordered Composition Rivals Syntactic Methods for Text Classification".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from tenor._core.language import tr
from tenor.config.search_space import Choice, Range, Space
from tenor.config.settings import require, setting
from tenor.models.family import NetworkFamily
from tenor.models.network_config import Activation, NetworkConfig
from tenor.models.neural.keras_types import KerasModel
from tenor.models.neural.shapes import Shapes, dense
from tenor.tasks import Task
from tenor.text import gram_ids
from tenor.text.encoded import TextEncoder

_FEWEST_VECTORS = 256  # also of the folds of few texts, so that they have equal networks


@dataclass(frozen=True)
class Config(NetworkConfig):
    """Settings of `bag`."""

    former_names: ClassVar[Mapping[str, str]] = {
        **NetworkConfig.former_names,
        "orders": "word_ngrams",
        "minimum_texts": "min_df",
    }

    optimizer_defaults: ClassVar[Mapping[str, Mapping[str, float]]] = {
        "sgd": {"learning_rate": 1.5, "embedding_rate": 70.0, "frequency_power": 0.5},
        "momentum": {"learning_rate": 0.15, "embedding_rate": 70.0, "frequency_power": 0.5},
    }

    max_length: int = setting(1_000)
    learning_rate: float = setting(0.016)
    batch_tokens: int = setting(50_000, "maximum number of n-grams in a batch; little data uses smaller batches")
    vocabulary: int = setting(200_000, "number of n-grams in the vocabulary: those in most texts")
    vectors: int | None = setting(
        None, "number of vectors in the table, a power of 2 up to `vocabulary`; read from the texts, not set"
    )
    min_df: int = setting(2, "minimum number of training texts with an n-gram")
    word_ngrams: tuple[int, ...] = setting((1, 2), "lengths of the n-grams in tokens")
    embedding: int = setting(32, "width of an n-gram's vector")
    hidden: tuple[int, ...] = setting((), "widths of the hidden layers, such as `[64, 64]`")
    activation: Activation = setting("relu", "activation of the hidden layers: `relu`, `tanh`, `sigmoid` or `gelu`")
    dropout: float = setting(0.2, "dropout in training, after the mean and after each hidden layer")

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            bool(self.word_ngrams) and all(1 <= order <= 8 for order in self.word_ngrams),
            "word_ngrams",
            tr("must be from 1 to 8"),
        )
        require(self.vocabulary >= 2, "vocabulary", tr("must be 2 or more"))
        require(self.vectors is None or self.vectors >= 1, "vectors", tr("must be 1 or more, or none"))
        require(self.min_df >= 1, "min_df", tr("must be 1 or more"))
        require(self.embedding >= 1, "embedding", tr("must be 1 or more"))
        require(all(width >= 1 for width in self.hidden), "hidden", tr("must be 1 or more each"))
        require(0 <= self.dropout < 1, "dropout", tr("must be at least 0 and below 1"))

    @property
    def n_vectors(self) -> int:
        """Rows of the table. Models of earlier versions have a row for each n-gram that the vocabulary has room for."""
        return min(self.vectors or self.vocabulary, self.vocabulary)

    @classmethod
    def space(cls, task: Task) -> Space:
        """The settings that a search may change."""
        return {
            **super().space(task),
            "word_ngrams": Choice(((1,), (1, 2), (1, 2, 3))),
            "embedding": Choice((16, 32, 64, 128)),
            "hidden": Choice(((), (64,))),
            "dropout": Range(0.0, 0.6),
        }


def encode(config: Config, texts: Sequence[str]) -> tuple[Config, TextEncoder]:
    """The n-grams of the training texts that get a vector, and the settings with their number filled in.

    The number is rounded up, so that similar texts, such as the folds of a cross-validation, have equal networks.
    """
    encoder = gram_ids.build(texts, config.vocabulary, config.word_ngrams, config.min_df)
    n_ids = max(encoder.size + 1, _FEWEST_VECTORS)  # rows of several fields have a separator too
    return replace(config, vectors=1 << (n_ids - 1).bit_length()), encoder


def build(config: Config, task: Task) -> KerasModel:
    """Ids (batch, time) -> logits (batch, outputs). The mean leaves padding out."""
    import keras

    from tenor.models.neural.layers import Pool

    ids = keras.Input((None,), dtype="int32", name="ids")
    vectors = keras.layers.Embedding(config.n_vectors, config.embedding, name="embedding")(ids)
    features = keras.layers.Dropout(config.dropout, name="dropout")(Pool("mean", name="pool")(vectors, ids))
    for number, width in enumerate(config.hidden):
        features = keras.layers.Dense(width, config.activation, name=f"hidden_{number}")(features)
        features = keras.layers.Dropout(config.dropout, name=f"dropout_{number}")(features)
    return keras.Model(ids, keras.layers.Dense(task.n_outputs, name="logits")(features), name="bag")


def shapes(config: Config, outputs: int) -> Shapes:
    """The weights of the network that `build` makes."""
    yield "embedding/embeddings", (config.n_vectors, config.embedding)
    widths = (config.embedding, *config.hidden)
    for number, width in enumerate(config.hidden):
        yield from dense(f"hidden_{number}", widths[number], width)
    yield from dense("logits", widths[-1], outputs)


FAMILY = NetworkFamily(
    name="bag",
    summary="The mean of the vectors of a text's words and n-grams; seconds.",
    paper="Joulin et al., 2017",
    config=Config,
    build=build,
    shapes=shapes,
    encode=encode,
)
