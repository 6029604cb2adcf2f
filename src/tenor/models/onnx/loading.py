"""A network's ONNX graph with its weights, checked before a runtime loads it."""

from collections.abc import Mapping
from dataclasses import dataclass

from tenor._core.language import tr
from tenor._core.tensor_file import Place
from tenor.errors import BundleError
from tenor.models.base import Arrays
from tenor.models.onnx import reader, shapes
from tenor.models.onnx import weights as onnx_weights
from tenor.models.onnx.protobuf import GraphError


@dataclass(frozen=True)
class OnnxGraph:
    """A graph from ids to logits.

    Attributes:
        name: The name of its file, for errors.
        data: The contents of that file.
        weights: The network's weights, by the paths of its variables.
        outputs: How many logits the model has.
    """

    name: str
    data: bytes
    weights: Arrays
    outputs: int

    def check(self, places: Mapping[str, Place] | None = None) -> list[str]:
        """Check that Tenor writes such graphs, that its cost is limited, and that it belongs to these weights.

        Args:
            places: Offsets and lengths of the weights in their file; None: they are not in a file.

        Returns:
            The names of the weights that it refers to.

        Raises:
            GraphError: The graph is refused.
        """
        graph = reader.read(self.data, self.name)
        if graph.outputs != self.outputs:
            raise GraphError(
                tr(
                    "{name}: the ONNX graph is that of another network: it gives {outputs} logits, not {expected}",
                    name=self.name,
                    outputs=graph.outputs,
                    expected=self.outputs,
                )
            )
        onnx_weights.check(graph, self.name, self.weights)
        if places is not None:
            onnx_weights.check_places(graph, self.name, places)
        shapes.check(graph, self.name)
        return [tensor.name for tensor in graph.shared]

    def inlined(self) -> bytes:
        """The graph with its weights inside. Raises GraphError like `check`, and if it is larger than 2 GB."""
        return onnx_weights.inlined(self.data, {name: self.weights[name] for name in self.check()})

    def broken(self, error: Exception) -> BundleError:
        """The error for a graph that a runtime could not run."""
        return BundleError(
            tr("{name}: the ONNX graph cannot be run: {split}", name=self.name, split=" ".join(str(error).split())),
            tr("Do not use this model; copy or train it again."),
        )
