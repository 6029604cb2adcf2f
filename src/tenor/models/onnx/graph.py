"""Building an ONNX graph node by node."""

from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper, numpy_helper

from tenor._core import tensor_file
from tenor._core.language import tr
from tenor._core.version import VERSION
from tenor.models.base import Arrays
from tenor.models.onnx import quantisation, reader, shapes
from tenor.models.onnx.weights import LARGEST, GraphTooLargeError

OPSET = 20  # the first with Gelu
_IR = 9
_LARGEST_IN_TABLE = 127

Activation = Literal["linear", "relu", "tanh", "sigmoid", "gelu", "gelu_tanh", "silu"]
_ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}

GraphInput: TypeAlias = Any
"""A value of the graph by name, or a constant: an array, a number or a list of numbers."""


class Graph:
    """A graph with the input `ids`, int32 (batch, time), that values, named by strings, are added to.

    Args:
        int8: Whether kernels and tables are kept as int8 with a scale for each column of a kernel and each row of a
            table; values are brought to int8 before each product (dynamic quantisation), with a scale for each token,
            so that the logits of a text do not depend on the other texts in its batch. Products are exact on every
            processor (`quantisation.py`).
        weights: Arrays of `weights.safetensors` by name. Where a constant is one of these objects, the graph refers to
            it and does not hold it.
    """

    def __init__(self, int8: bool = False, weights: Arrays = MappingProxyType({})) -> None:
        self.int8 = int8
        self.weights = weights
        self._paths = {id(array): path for path, array in weights.items()}
        self.ids = "ids"
        self._nodes: list[NodeProto] = []
        self._tensors: dict[str, TensorProto] = {}
        self._known: dict[tuple[str, ...], str] = {}

    def op(self, kind: str, *inputs: GraphInput, outputs: int = 1, **attributes: Any) -> Any:
        """Add a node. Inputs are values by name, or numbers; with `outputs` above 1 a list of values is returned.

        The same node of the same inputs is added once.
        """
        named = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        key = (kind, *named, repr(sorted(attributes.items())))
        if key not in self._known:
            name = f"{kind}_{len(self._nodes)}"
            results = [name] if outputs == 1 else [f"{name}_{index}" for index in range(outputs)]
            self._nodes.append(helper.make_node(kind, named, results, name, **attributes))
            self._known[key] = name
        name = self._known[key]
        return name if outputs == 1 else [f"{name}_{index}" for index in range(outputs)]

    def constant(self, value: GraphInput, name: str | None = None) -> str:
        """Add an array, or numbers: integers as int64, others as float32. A name is returned unchanged."""
        if isinstance(value, str):
            return value
        if id(value) in self._paths:
            return self._shared(self._paths[id(value)])
        array = np.asarray(value)
        if not isinstance(value, np.ndarray | np.generic):
            array = array.astype(np.int64 if array.dtype.kind in "iu" else np.float32)
        name = name or f"{array.dtype}_{array.shape}_{array.tolist()}"
        if name not in self._tensors:
            self._tensors[name] = numpy_helper.from_array(array, name)
        return name

    def _shared(self, path: str) -> str:
        """Refer to an array of `weights.safetensors`. Its offset is set when the model is saved."""
        if path not in self._tensors:
            shape = self.weights[path].shape
            tensor = TensorProto(name=path, dims=shape, data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
            tensor.external_data.add(key="location", value=tensor_file.FILE)
            self._tensors[path] = tensor
        return path

    def dense(self, values: str, kernel: GraphInput, bias: GraphInput | None, name: str) -> str:
        """Values (..., in) times a kernel (in, out), plus a bias (out,): arrays, or in float32 names of values."""
        if not self.int8 or len(kernel) > quantisation.LONGEST_SUM:
            product = self.op("MatMul", values, self.constant(kernel, f"{name}/kernel"))
        else:
            integers, scales = quantisation.quantise(kernel)
            whole = self.constant(integers, f"{name}/kernel")
            largest = self.op("Max", self.op("ReduceMax", self.op("Abs", values), [-1], keepdims=1), 1e-12)
            # Around 128, since products of unsigned and signed bytes are fast.
            up = self.op("Mul", values, self.op("Div", float(quantisation.LARGEST_VALUE), largest))
            unsigned = self.op("Cast", self.op("Add", up, quantisation.MIDDLE + 0.5), to=TensorProto.UINT8)
            counts = self.op("MatMulInteger", unsigned, whole, np.uint8(quantisation.MIDDLE))
            scale = self.constant(scales / np.float32(quantisation.LARGEST_VALUE), f"{name}/kernel_scale")
            product = self.op("Mul", self.op("Mul", self.op("Cast", counts, to=TensorProto.FLOAT), largest), scale)
        if bias is None:
            return str(product)
        return str(self.op("Add", product, self.constant(bias, f"{name}/bias")))

    def rows(self, table: npt.NDArray[np.float32], name: str, ids: str = "ids") -> str:
        """The rows of a table (ids, width) for ids (batch, time), by default the input: (batch, time, width)."""
        if not self.int8:
            return str(self.op("Gather", self.constant(table, name), ids))
        scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-12) / _LARGEST_IN_TABLE
        whole = self.constant(np.rint(table / scale).astype(np.int8), name)
        values = self.op("Cast", self.op("Gather", whole, ids), to=TensorProto.FLOAT)
        scales = self.constant(scale.astype(np.float32), f"{name}/row_scale")
        return str(self.op("Mul", values, self.op("Gather", scales, ids)))

    def activation(self, values: str, kind: str) -> str:
        """Apply an activation. Raises KeyError where it is not known."""
        if kind == "linear":
            return values
        if kind in ("gelu", "gelu_tanh"):
            return str(self.op("Gelu", values, approximate="tanh" if kind == "gelu_tanh" else "none"))
        if kind == "silu":
            return str(self.op("Mul", values, self.op("Sigmoid", values)))
        return str(self.op(_ACTIVATIONS[kind], values))

    def present(self) -> str:
        """Whether each id is not padding, (batch, time)."""
        return str(self.op("Not", self.op("Equal", self.ids, np.int32(0))))

    def lengths(self, least: int) -> str:
        """(batch, 1) int64: the length of each text, or `least` where it is shorter."""
        ones = self.op("Cast", self.present(), to=TensorProto.INT64)
        return str(self.op("Max", self.op("ReduceSum", ones, [1], keepdims=1), [least]))

    def time(self) -> str:
        """(time,) int64: 0, 1, 2 and so on."""
        steps = self.op("Squeeze", self.op("Shape", self.ids, start=1, end=2), [0])
        return str(self.op("Range", 0, steps, 1))

    def finish(self, output: str, outputs: int) -> bytes:
        """The model as a file, with `output` as `logits`, (batch, outputs).

        Raises:
            GraphTooLargeError: It is larger than an ONNX file can be (2 GB), beside the weights that it refers to.
        """
        if sum(len(tensor.raw_data) for tensor in self._tensors.values()) > LARGEST:
            raise GraphTooLargeError(tr("the ONNX graph is larger than 2 GB, which is more than an ONNX file holds"))
        self._nodes.append(helper.make_node("Identity", [output], ["logits"], "logits"))
        graph = helper.make_graph(
            self._nodes,
            "tenor",
            [helper.make_tensor_value_info("ids", TensorProto.INT32, ["batch", "time"])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", outputs])],
            list(self._tensors.values()),
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=_IR,
            producer_name="tenor",
            producer_version=VERSION,
        )
        data = bytes(model.SerializeToString())
        shapes.check(reader.read(data, "graph"), "graph")
        return data
