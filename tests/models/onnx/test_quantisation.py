"""Products of bytes are exact: also with the largest values, and where two products have to fit into 16 bits."""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from tenor.models.onnx import quantisation
from tenor.models.onnx.graph import Graph


def products(values: npt.NDArray[np.uint8], weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    """What ONNX Runtime gives, as the graphs of Tenor ask for it."""
    node = helper.make_node("MatMulInteger", ["values", "weights", "middle"], ["sums"])
    fixed = [numpy_helper.from_array(weights, "weights")]
    fixed.append(numpy_helper.from_array(np.uint8(quantisation.MIDDLE), "middle"))
    inputs = [helper.make_tensor_value_info("values", TensorProto.UINT8, ["rows", len(weights)])]
    outputs = [helper.make_tensor_value_info("sums", TensorProto.INT32, ["rows", weights.shape[1]])]
    graph = helper.make_graph([node], "products", inputs, outputs, fixed)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"values": values})[0], np.int64)


@pytest.mark.parametrize("depth", [1, 2, 7, 384, 4_096, quantisation.LONGEST_SUM])
@pytest.mark.parametrize("value", [0, 255])
def test_sums_of_the_largest_products_are_exact(depth: int, value: int) -> None:
    most = quantisation.LARGEST_WEIGHT
    kernel = np.stack([np.full(depth, most), np.full(depth, -most), np.resize([most, -most], depth)], axis=1)
    values = np.full((3, depth), value, np.uint8)
    expected = (values.astype(np.int64) - quantisation.MIDDLE) @ kernel.astype(np.int64)
    np.testing.assert_array_equal(products(values, kernel.astype(np.int8)), expected)


def test_sums_of_random_products_are_exact() -> None:
    random = np.random.default_rng(3)
    values = random.integers(0, 256, (65, 384)).astype(np.uint8)
    integers, _ = quantisation.quantise(random.normal(0, 1, (384, 97)).astype(np.float32))
    expected = (values.astype(np.int64) - quantisation.MIDDLE) @ integers.astype(np.int64)
    np.testing.assert_array_equal(products(values, integers), expected)


def test_two_products_fit_into_16_bits_and_a_sum_into_32() -> None:
    largest = np.iinfo(np.uint8).max * quantisation.LARGEST_WEIGHT
    assert 2 * largest <= np.iinfo(np.int16).max
    assert quantisation.LONGEST_SUM * largest <= np.iinfo(np.int32).max


@pytest.mark.parametrize("scale", [1.0, 1e-20, 1e20, 0.0])
def test_a_kernel_is_within_half_a_step_of_its_integers(scale: float) -> None:
    kernel = (np.random.default_rng(1).normal(0, 1, (50, 7)) * scale).astype(np.float32)
    kernel[:, 3] = 0
    integers, scales = quantisation.quantise(kernel)
    assert integers.dtype == np.int8 and np.abs(integers.astype(int)).max() <= quantisation.LARGEST_WEIGHT
    assert scale == 0 or np.abs(kernel).max() < 1e-12 or np.abs(integers[:, 0].astype(int)).max() == 64
    assert (np.abs(integers * scales - kernel) <= 0.5001 * scales).all()


def test_kernels_that_are_too_long_for_exact_sums_stay_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    def operators(depth: int) -> set[str]:
        graph: Any = Graph(int8=True)
        graph.dense("ids", np.ones((depth, 2), np.float32), np.zeros(2, np.float32), "layer")
        return {node.op_type for node in graph._nodes}

    monkeypatch.setattr(quantisation, "LONGEST_SUM", 8)
    assert "MatMulInteger" in operators(8) and "MatMulInteger" not in operators(9)
