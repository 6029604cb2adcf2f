"""Graphs that Tenor does not write are refused before a runtime gets them."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tenor._core import tensor_file
from tenor.errors import BundleError
from tenor.models.onnx import reader, runtimes
from tenor.models.onnx.loading import OnnxGraph
from tenor.models.onnx.protobuf import GraphError

GOLDEN = Path(__file__).parents[2] / "golden"
CONTROL_FLOW = {"Loop", "If", "Scan", "SequenceMap"}
IDS = np.array([[2, 3, 4], [5, 0, 0]], np.int32)


@pytest.fixture(scope="module")
def weights() -> dict[str, Any]:
    return tensor_file.read((GOLDEN / "format-3" / "transformer" / tensor_file.FILE).read_bytes()).arrays


@pytest.fixture(scope="module")
def data() -> bytes:
    return (GOLDEN / "format-3" / "transformer" / "model.onnx").read_bytes()


@pytest.fixture
def model(data: bytes) -> Any:
    return onnx.load_from_string(data)


def check(model: Any, weights: dict[str, Any]) -> None:
    data = model if isinstance(model, bytes) else model.SerializeToString()
    OnnxGraph("model.onnx", data, weights, 1).check()


def small(*nodes: Any, **tensors: Any) -> Any:
    """A model of these nodes, whose last one is to give `logits`, (batch, 1)."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("ids", TensorProto.INT32, ["batch", "time"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 1])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


MEAN = [  # of the ids, as logits
    node("Cast", "ids", "values", to=1),
    node("ReduceSum", "values one", "sum", keepdims=1),
]
ONE = {"one": np.array([1])}


def test_a_graph_of_few_nodes_is_read_and_run() -> None:
    model = small(*MEAN, node("Identity", "sum", "logits"), **ONE)
    run = runtimes.onnx_runtime(OnnxGraph("model.onnx", model.SerializeToString(), {}, 1))
    np.testing.assert_array_equal(run(IDS), [[9], [5]])


def test_the_allowed_operators_have_no_control_flow() -> None:
    assert not CONTROL_FLOW & set(reader.OPERATORS)


def loop(model: Any) -> None:
    body = helper.make_graph([], "body", [], [])
    model.graph.node.insert(0, helper.make_node("Loop", ["", ""], ["endless"], body=body))


def condition(model: Any) -> None:
    model.graph.node[0].op_type = "If"


def subgraph(model: Any) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute("body", helper.make_graph([], "body", [], [])))


def external(location: str) -> Callable[[Any], None]:
    def edit(model: Any) -> None:
        entries = next(each for each in model.graph.initializer if each.external_data).external_data
        entries[0].value = location

    return edit


def on_tensor(**fields: Any) -> Callable[[Any], None]:
    """Change the first tensor that stands in the graph."""

    def edit(model: Any) -> None:
        tensor = next(each for each in model.graph.initializer if each.raw_data)
        for name, value in fields.items():
            if isinstance(value, list):
                del getattr(tensor, name)[:]
                getattr(tensor, name).extend(value)
            else:
                setattr(tensor, name, value)

    return edit


def on_shared(**fields: Any) -> Callable[[Any], None]:
    """Change the first tensor that stands in weights.safetensors."""

    def edit(model: Any) -> None:
        tensor = next(each for each in model.graph.initializer if each.external_data)
        for name, value in fields.items():
            if isinstance(value, list):
                tensor.dims[:] = value
            else:
                setattr(tensor, name, value)

    return edit


def renamed(model: Any) -> None:
    """Refer to an array that is not there."""
    tensor = next(each for each in model.graph.initializer if each.external_data)
    for each in model.graph.node:
        each.input[:] = ["other" if name == tensor.name else name for name in each.input]
    tensor.name = "other"


def typed(kind: str) -> Callable[[Any], None]:
    def edit(model: Any) -> None:
        value = model.graph.input[0].type
        element = TensorProto.INT32
        value.CopyFrom(
            helper.make_sequence_type_proto(helper.make_tensor_type_proto(element, None))
            if kind == "sequence"
            else helper.make_optional_type_proto(helper.make_tensor_type_proto(element, None))
        )

    return edit


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "endless loop": (loop, r"node\[0\].*: the field \d+ is not one"),
    "if": (condition, r"node\[0\]\.op_type: 'If' is not an operator that Tenor writes"),
    "subgraph": (subgraph, r"node\[0\]\.attribute\[\d\]: the field 6 is not one that Tenor writes"),
    "private key": (external(".ssh/id_rsa"), r"external_data\.location: '\.ssh/id_rsa' is not weights\.safetensors"),
    "absolute path": (external("/etc/passwd"), r"external_data\.location: '/etc/passwd' is not weights"),
    "above the folder": (external("../weights.safetensors"), r"location: '\.\./weights\.safetensors' is not weights"),
    "in a folder": (external("./weights.safetensors"), r"location: '\./weights\.safetensors' is not weights"),
    "key of external data": (
        lambda model: next(each for each in model.graph.initializer if each.external_data).external_data.add(
            key="basepath", value="/"
        ),
        r"external_data: the keys are \[.*'basepath'\], not location, offset and length",
    ),
    "other array": (
        renamed,
        r"initializer\[\d+\] \('other'\)\.name: there is no such array in weights",
    ),
    "other shape": (on_shared(dims=[3, 3]), r"dims: the array is float32 \[8, 8\], not float32 \[3, 3\]"),
    "whole numbers elsewhere": (on_shared(data_type=6), "data_location: only float32 tensors without raw_data"),
    "data twice": (on_shared(raw_data=b"1234"), "data_location: only float32 tensors without raw_data"),
    "too few bytes": (on_tensor(raw_data=b"1"), r"raw_data: it has 1 bytes; its dims \[.*\] need"),
    "100 GB": (on_tensor(dims=[10**11]), r"raw_data: it has \d+ bytes; its dims \[100000000000\] need"),
    "size below 0": (on_tensor(dims=[-1, -1]), r"dims: \[-1, -1\] has a size that is not from 1 to"),
    "size 0": (on_tensor(dims=[0, 1 << 62], raw_data=b""), r"dims: \[0, \d+\] has a size that is not from 1 to"),
    "many dimensions": (on_tensor(dims=[1] * 9), r"dims: it occurs more than 8 times"),
    "texts": (on_tensor(data_type=8), r"data_type: 8 is not one that Tenor writes"),
    "segments": (
        lambda model: model.graph.initializer[0].segment.SetInParent(),
        r"initializer\[0\]: the field 3 is not one that Tenor writes",
    ),
    "typed data": (
        lambda model: model.graph.initializer[0].float_data.append(1.0),
        r"initializer\[0\]: the field 4 is not one that Tenor writes",
    ),
    "name twice": (
        lambda model: model.graph.initializer.append(model.graph.initializer[0]),
        r"initializer\[\d+\] .*\.name: .* occurs twice",
    ),
    "function": (
        lambda model: model.functions.append(
            helper.make_function("x", "f", ["a"], ["b"], [node("Identity", "a", "b")], [])
        ),
        "model: the field 25 is not one that Tenor writes",
    ),
    "training": (lambda model: model.training_info.add(), "model: the field 20 is not one that Tenor writes"),
    "metadata": (
        lambda model: model.metadata_props.add(key="a", value="b"),
        "model: the field 14 is not one that Tenor writes",
    ),
    "sparse tensor": (
        lambda model: model.graph.sparse_initializer.add(),
        r"model\.graph: the field 15 is not one that Tenor writes",
    ),
    "custom domain": (
        lambda model: setattr(model.graph.node[0], "domain", "com.example"),
        r"node\[0\]: the field 7 is not one that Tenor writes",
    ),
    "imported domain": (
        lambda model: model.opset_import.append(helper.make_opsetid("com.example", 1)),
        r"opset_import: .*com\.example.* is not one that Tenor writes",
    ),
    "older operators": (
        lambda model: setattr(model.opset_import[0], "version", 7),
        r"opset_import: \[\('', 7\)\] is not one that Tenor writes",
    ),
    "newer file": (lambda model: setattr(model, "ir_version", 99), r"ir_version: 99 is not one that Tenor writes"),
    "unknown attribute": (
        lambda model: model.graph.node[0].attribute.append(helper.make_attribute("colour", 1)),
        r"node\[0\] \(\w+\)\.attribute: 'colour' of the type 2 is not one",
    ),
    "attribute of two types": (
        lambda model: next(each for each in model.graph.node if each.attribute).attribute[0].__setattr__("s", b"x"),
        r"attribute '\w+': its value is \['i', 's'\], not i",
    ),
    "long name": (lambda model: setattr(model.graph, "name", "x" * 600), r"graph\.name: it is 600 bytes long"),
    "escape sequence": (
        lambda model: setattr(model.graph.node[0], "name", "\x1b[2J"),
        r"node\[0\]\.name: it has characters that cannot be printed",
    ),
    "sequences": (typed("sequence"), r"input\[0\]\.type: the field 4 is not one that Tenor writes"),
    "optional": (typed("optional"), r"input\[0\]\.type: the field 9 is not one that Tenor writes"),
    "second input": (
        lambda model: model.graph.input.append(helper.make_tensor_value_info("more", 1, [1])),
        r"graph\.input: .*'more'.* is not ids, int32",
    ),
    "other type of ids": (
        lambda model: setattr(model.graph.input[0].type.tensor_type, "elem_type", 7),
        r"graph\.input: \[\('ids', 7, .* is not ids, int32",
    ),
    "second output": (
        lambda model: model.graph.output.append(model.graph.output[0]),
        r"graph\.output: .* is not logits",
    ),
    "unknown value": (
        lambda model: model.graph.node[3].input.__setitem__(0, "nobody"),
        r"node\[3\] \(\w+\)\.input: there is no value 'nobody' before it",
    ),
    "value twice": (
        lambda model: model.graph.node[3].output.__setitem__(0, model.graph.node[2].output[0]),
        r"node\[3\] \(\w+\)\.output: '\w+' is the name of another value",
    ),
    "no logits": (lambda model: model.graph.node.pop(), r"graph\.output: no node gives logits"),
    "many nodes": (
        lambda model: model.graph.node.extend([model.graph.node[0]] * 10_000),
        r"graph\.node: it occurs more than 10,000 times",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_graphs_are_refused(model: Any, weights: dict[str, Any], case: str) -> None:
    edit, match = REFUSED[case]
    check(model, weights)
    edit(model)
    with pytest.raises(GraphError, match=rf"^model\.onnx: .*{match}"):
        check(model, weights)


@pytest.mark.parametrize(
    ("bytes_", "match"),
    [
        (b"\x08\x09", "ir_version: it occurs twice"),
        (b"\xf8\x07\x01", "the field 127 is not one that Tenor writes"),
        (b"\x09" + b"\0" * 8, "field 1: the wire type 1 is not one"),
        (b"\x0b", "field 1: the wire type 3 is not one"),
        (b"\x12\xff\xff\xff\xff\x0f", "field 2: it is longer than what it is part of"),
        (b"\x12\x81\x00\x61", "field 2: a number is not in its shortest form"),
        (b"\x2a" + b"\xff" * 10, "field 5: a number is not in its shortest form"),
        (b"\x15abcd", "producer_name: it occurs twice"),
        (b"\x12", "field 2: it ends too early"),
    ],
)
def test_bytes_that_two_parsers_could_read_differently_are_refused(
    data: bytes, weights: dict[str, Any], bytes_: bytes, match: str
) -> None:
    with pytest.raises(GraphError, match=rf"model.*{match}"):
        check(data + bytes_, weights)


def test_a_wire_type_that_does_not_fit_is_refused(weights: dict[str, Any]) -> None:
    with pytest.raises(GraphError, match=r"model\.ir_version: the wire type is 2, not 0"):
        check(b"\x0a\x01\x09", weights)


def test_a_graph_that_is_cut_off_is_refused(data: bytes, weights: dict[str, Any]) -> None:
    for end in [*range(0, len(data), 97), len(data) - 1]:
        with pytest.raises(GraphError, match=r"^model\.onnx: the ONNX graph"):
            check(data[:end], weights)


DEAR: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "constant of any size": (
        [node("ConstantOfShape", "size", "logits")],
        {"size": [10**12]},
        "'ConstantOfShape' is not",
    ),
    "expanded": ([node("Expand", "one size", "logits")], {"size": [10**12]} | ONE, "'Expand' is not an operator"),
    "range": (
        [node("Range", "start end step", "logits")],
        {"start": np.int64(0), "end": np.int64(10**12), "step": np.int64(1)},
        r"node\[0\] \(Range\): it does not take the shapes",
    ),
    "broadcast": (
        [node("Add", "column row", "logits")],
        {"column": np.zeros((30_000, 1), np.float32), "row": np.zeros((1, 30_000), np.float32)},
        r"900,000,000 constants; 1,048,576 are allowed beside 60,000 weights",
    ),
    "outer product": (
        [node("MatMul", "column row", "logits")],
        {"column": np.zeros((30_000, 1), np.float32), "row": np.zeros((1, 30_000), np.float32)},
        "900,000,000 constants",
    ),
    "doubled 40 times": (
        [
            *MEAN,
            node("Identity", "sum", "x0"),
            *(node("Concat", f"x{number} x{number}", f"x{number + 1}", axis=-1) for number in range(40)),
            node("Identity", "x40", "logits"),
        ],
        ONE,
        r"with it the graph has 131,074 values; 131,072 are allowed beside 1 weights",
    ),
    "all kept until the end": (
        [
            *MEAN,
            node("Mul", "sum row", "x0"),
            *(node("Add", f"x{number} row", f"x{number + 1}") for number in range(50)),
            node("Concat", " ".join(f"x{number}" for number in range(51)), "all", axis=-1),
            node("ReduceMax", "all one", "logits", keepdims=1),
        ],
        ONE | {"row": np.zeros((1, 4_000), np.float32), "more": np.zeros((1_000, 1_000), np.float32)},
        r"132,000 values at once; 131,072 are allowed beside 1,004,001 weights",
    ),
    "each text with each": (
        [*MEAN, node("Transpose", "sum", "turned", perm=[1, 0]), node("MatMul", "sum turned", "logits")],
        ONE,
        r"a value of the shape \(batch, batch\) is too large",
    ),
    "three times": (
        [
            node("Unsqueeze", "ids two", "a"),
            node("Unsqueeze", "ids one", "b"),
            node("Mul", "a b", "c"),
            node("Unsqueeze", "c three", "d"),
            node("Unsqueeze", "b one", "e"),
            node("Mul", "d e", "logits"),
        ],
        {"one": [1], "two": [2], "three": [3]},
        r"\(batch, time, time, time\) is too large",
    ),
    "padding": (
        [MEAN[0], node("Unsqueeze", "values one", "x"), node("Conv", "x kernel bias", "logits", pads=[10**9, 10**9])],
        ONE | {"kernel": np.zeros((1, 1, 3), np.float32), "bias": np.zeros(1, np.float32)},
        r"\(Conv\): it does not take the shapes .* with \{'pads': \[1000000000, 1000000000\]\}",
    ),
    "products of constants": (
        [node("MatMul", "square square", "product"), node("Identity", "product", "logits")],
        {"square": np.zeros((1_200, 1_200), np.float32)},
        "1,728,000,000 products of constants; 1,474,560,000 are allowed beside 1,440,000 weights",
    ),
    "products of each token": (
        [
            *MEAN,
            node("MatMul", "sum row", "x0"),
            *(node("MatMul", f"x{number} square", f"x{number + 1}") for number in range(66)),
            node("Identity", "x66", "logits"),
        ],
        ONE | {"row": np.zeros((1, 300), np.float32), "square": np.zeros((300, 300), np.float32)},
        "5,850,300 products; 5,779,264 are allowed beside 90,301 weights",
    ),
    "texts out of numbers": ([node("Cast", "ids", "logits", to=8)], {}, r"\(Cast\): it does not take .*'to': 8"),
    "shapes that do not fit": (
        [*MEAN, node("MatMul", "sum kernel", "logits")],
        ONE | {"kernel": np.zeros((3, 1), np.float32)},
        r"\(MatMul\): it does not take the shapes \(batch, 1\), \(3, 1\)",
    ),
    "another shape of logits": ([*MEAN, node("Identity", "values", "logits")], ONE, r"logits are \(batch, time\)"),
    "a shape that only a run knows": (
        [*MEAN, node("Reshape", "values one", "logits")],
        ONE,
        r"\(Reshape\): it does not take the shapes",
    ),
    "parts of none": (
        [*MEAN, node("Split", "sum", "logits other", axis=-1, num_outputs=0)],
        ONE,
        r"\(Split\): it does not take the shapes",
    ),
}


@pytest.mark.parametrize("case", DEAR)
def test_a_graph_that_costs_too_much_or_does_not_fit_is_refused(case: str) -> None:
    nodes, tensors, match = DEAR[case]
    with pytest.raises(GraphError, match=match):
        check(small(*nodes, **tensors), {})


def test_a_graph_that_fails_when_it_runs_is_told_of_as_a_damaged_model(data: bytes, weights: dict[str, Any]) -> None:
    run = runtimes.onnx_runtime(OnnxGraph("model.onnx", data, weights, 1))
    assert np.isfinite(run(IDS)).all()
    with pytest.raises(BundleError, match=r"^model\.onnx: the ONNX graph cannot be run: .* copy or train it again"):
        run(np.full((1, 2), 10_000, np.int32))
    with pytest.raises(BundleError, match=r"^model\.onnx: the ONNX graph cannot be run: "):
        run(np.ones((1, 500), np.int32))  # longer than there are positions


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The file with some bytes changed, taken away, added or moved."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4])):
        start, size = chance.randrange(len(changed)), chance.choice([1, 1, 1, 2, 8, 40])
        kind = chance.randrange(4)
        if kind == 0:
            changed[start] ^= 1 << chance.randrange(8)
        elif kind == 1:
            changed[start] = chance.randrange(256)
        elif kind == 2:
            del changed[start : start + size]
        else:
            place = chance.randrange(len(changed))
            changed[place:place] = changed[start : start + size]
    return bytes(changed)


def test_damaged_graphs_are_refused_or_read_as_onnx_reads_them(data: bytes, weights: dict[str, Any]) -> None:
    chance, accepted, errors = random.Random(7), 0, []
    for _ in range(300):
        changed = mutated(data, chance)
        graph = OnnxGraph("model.onnx", changed, weights, 1)
        try:
            graph.check()
            accepted += 1
            read, by_onnx = reader.read(changed, "model.onnx"), onnx.load_from_string(changed)
            assert [(each.kind, list(each.inputs), list(each.outputs)) for each in read.nodes] == [
                (each.op_type, list(each.input), list(each.output)) for each in by_onnx.graph.node
            ]
            runtimes.onnx_runtime(graph)(IDS)
        except (GraphError, BundleError) as error:
            errors.append(str(error))
    assert accepted and errors
    assert [error for error in errors if not error.startswith("model.onnx: ")] == []
