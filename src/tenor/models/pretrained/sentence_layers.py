"""The layers of a sentence encoder after its Transformer: pooling, dense layers, and the scaling to one length.

Reimers and Gurevych (2019), "Sentence-BERT".
"""

from dataclasses import asdict, dataclass
from typing import Literal

from tenor._core.language import tr
from tenor._core.records import JsonObject, Record
from tenor.models.neural.shapes import Shapes, dense

Pooling = Literal["mean", "first", "last", "max"]
"""How the values of all tokens become one vector."""
ACTIVATIONS = ("gelu", "linear", "relu", "sigmoid", "tanh")
WIDEST = 1 << 16

_MOST_LAYERS = 10


@dataclass(frozen=True)
class DenseLayer:
    """A dense layer after the pooling: its inputs and outputs, and its activation."""

    inputs: int
    outputs: int
    activation: str

    @classmethod
    def from_record(cls, record: Record) -> "DenseLayer":
        """Read the fields. Raises RecordError for a value that is missing, wrong or too large."""
        return cls(
            inputs=record.integer("inputs", 1, WIDEST),
            outputs=record.integer("outputs", 1, WIDEST),
            activation=record.choice("activation", ACTIVATIONS),
        )


@dataclass(frozen=True)
class SentenceLayers:
    """What a sentence encoder computes after its pooling. A saved model has it under the names of these fields.

    Attributes:
        dense: Dense layers, in their order.
        normalised: Whether the vector is scaled to one length at last.
    """

    dense: tuple[DenseLayer, ...] = ()
    normalised: bool = False

    def to_dict(self) -> JsonObject:
        """The layers as plain values."""
        return {"dense": [asdict(layer) for layer in self.dense], "normalised": self.normalised}

    @classmethod
    def from_settings(cls, values: JsonObject | None, width: int) -> "SentenceLayers":
        """Read the result of `to_dict`; None: there are no layers. Raises RecordError where they do not fit.

        Args:
            values: The plain values.
            width: Width of the pooled vector.
        """
        if values is None:
            return cls()
        record = Record(values, "tenor.json", "settings.sentence")
        layers = tuple(map(DenseLayer.from_record, record.records("dense", _MOST_LAYERS)))
        for number, layer in enumerate(layers):
            if layer.inputs != width:
                raise record.error(
                    f"dense[{number}].inputs", tr("it is {inputs:,}, not {width:,}", inputs=layer.inputs, width=width)
                )
            width = layer.outputs
        return cls(layers, record.boolean("normalised"))

    def width(self, width: int) -> int:
        """The width of the result, for pooled vectors of a width."""
        return self.dense[-1].outputs if self.dense else width

    def shapes(self) -> Shapes:
        """The weights of the dense layers."""
        for number, layer in enumerate(self.dense):
            yield from dense(layer_name(number), layer.inputs, layer.outputs)


def layer_name(number: int) -> str:
    """The name of a dense layer, from 0."""
    return f"sentence_{number}"
