"""A network and the weights of features beside the texts, trained together.

The features add to the logits of the network, so the network itself, its ONNX graph and its explanation stay those of
texts.
"""

from dataclasses import dataclass, replace

import keras
import numpy as np

from tenor.models.linear.solver import LinearWeights
from tenor.models.neural import parallel
from tenor.models.neural.network import Network, to_numpy

_LAYER = "feature_logits"


@dataclass(frozen=True)
class JointModel:
    """A network in training.

    Attributes:
        network: The network, from ids to logits.
        keras_model: What is trained: from ids, or from ids and features, to logits.
        n_features: Features of a row beside its texts.
    """

    network: Network
    keras_model: keras.Model
    n_features: int

    @classmethod
    def build(cls, network: Network, n_features: int) -> "JointModel":
        """The network with weights of 0 for the features; itself where there are none."""
        if not n_features:
            return cls(network, network.keras_model, 0)
        features = keras.Input((n_features,), dtype="float32", name="feature_values")
        kernel = keras.layers.Dense(
            network.task.n_outputs, use_bias=False, kernel_initializer="zeros", dtype="float32", name=_LAYER
        )
        logits = keras.layers.Add(dtype="float32", name="joint_logits")([network.keras_model.output, kernel(features)])
        return cls(network, keras.Model([network.keras_model.input, features], logits), n_features)

    def current_network(self) -> Network:
        """The network with the present weights of the features."""
        if not self.n_features:
            return self.network
        return replace(self.network, feature_kernel=to_numpy(self._kernel))

    def assign_head(self, weights: LinearWeights) -> None:
        """Set the weights of the head, and below them those of the features: (width + features, outputs)."""
        kernel, bias = (parallel.broadcast(np.asarray(value, np.float32)) for value in weights)
        width = len(kernel) - self.n_features
        for variable, value in zip(
            self.network.keras_model.get_layer("logits").weights, (kernel[:width], bias), strict=True
        ):
            variable.assign(value)
        if self.n_features:
            self._kernel.assign(kernel[width:])

    @property
    def _kernel(self) -> keras.Variable:
        return self.keras_model.get_layer(_LAYER).kernel
