"""The runtimes of ONNX graphs: ONNX Runtime, or OpenVINO on request.

OpenVINO computes in bfloat16 on processors that support it: as fast as int8 and closer to the network.
"""

import importlib
import importlib.util
import os
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tenor._core import threads
from tenor._core.language import tr
from tenor.config.settings import suggest
from tenor.errors import SettingsError, missing_extra
from tenor.models.onnx.loading import OnnxGraph
from tenor.models.onnx.protobuf import GraphError
from tenor.tasks import Floats

VARIABLE = "TENOR_RUNTIME"
"""The environment variable that names the runtime."""
ONNX_RUNTIME, OPENVINO = "onnxruntime", "openvino"
KNOWN_RUNTIMES = (ONNX_RUNTIME, OPENVINO)

Run = Callable[[npt.NDArray[np.int32]], Floats]
"""Ids (batch, time) -> logits (batch, outputs); several threads may call it at once."""

OpenVinoCore: TypeAlias = Any
"""OpenVINO's `Core`, for which it gives no types."""

_FATAL = 4  # log level of ONNX Runtime; errors are raised


def runtime_name() -> str:
    """The runtime that the environment names. Raises SettingsError for an unknown name."""
    name = os.environ.get(VARIABLE) or ONNX_RUNTIME
    if name not in KNOWN_RUNTIMES:
        problem = tr("{variable} (or `runtime=...`) is {name!r}, which is not a runtime.", variable=VARIABLE, name=name)
        raise SettingsError(problem, suggest(name, list(KNOWN_RUNTIMES)))
    return name


def require_known_runtime() -> None:
    """Raise SettingsError or MissingExtraError where the requested runtime is unknown or not installed."""
    if runtime_name() == OPENVINO and importlib.util.find_spec(OPENVINO) is None:
        raise missing_extra(tr("the runtime OpenVINO"), "openvino")


def is_installed() -> bool:
    """Whether ONNX Runtime is installed."""
    return importlib.util.find_spec(ONNX_RUNTIME) is not None


def version(name: str) -> str:
    """The version of a runtime that is installed."""
    return str(_import(name).__version__)


def _import(name: str) -> Any:
    """Import a runtime. Released builds of ONNX Runtime report their use to its makers unless this variable is set."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    return importlib.import_module(name)


def onnx_runtime(graph: OnnxGraph, exact: bool = False) -> Run:
    """The graph in ONNX Runtime, which opens no file: it receives the weights that the graph refers to.

    Args:
        graph: The graph.
        exact: Multiply bytes exactly even if that is slower: for 8-bit weights on processors without VNNI.

    Raises:
        GraphError: Tenor does not write such a graph, or it belongs to other weights.
        BundleError: Raised by the returned function: the graph cannot be run.
    """
    onnxruntime = _import(ONNX_RUNTIME)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads.available_cores()
    # Threads that wait would spin, and take cores from a server's responses or from another process.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if exact:
        options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = _FATAL
    names = graph.check()
    # The session computes with the memory of these arrays: they must live as long.
    shared = [onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(graph.weights[name])) for name in names]
    if names:
        options.add_external_initializers(names, shared)  # read while the graph is simplified
    for name, value in zip(names, shared, strict=True):
        options.add_initializer(name, value)  # used to compute; without this, a copy is
    try:
        session = onnxruntime.InferenceSession(graph.data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no class in common
        if not type(error).__module__.startswith("onnxruntime"):
            raise
        raise GraphError(tr("{name}: the ONNX graph cannot be read: {error}", name=graph.name, error=error)) from None

    def run(ids: npt.NDArray[np.int32], _: object = shared) -> Floats:
        try:
            [logits] = session.run(["logits"], {"ids": ids})
        except Exception as error:
            if not type(error).__module__.startswith("onnxruntime"):
                raise
            raise graph.broken(error) from error
        return np.asarray(logits)

    return run


def openvino(graph: OnnxGraph, bfloat16: bool) -> Run:
    """The graph in OpenVINO, in bfloat16 if requested and supported. Raises like `onnx_runtime`."""
    data = graph.inlined()
    options = {
        "PERFORMANCE_HINT": "LATENCY",  # all cores for one batch
        "INFERENCE_NUM_THREADS": threads.available_cores(),
        "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 and has_bfloat16() else "f32",
    }
    try:
        request = _core().compile_model(_core().read_model(data), "CPU", options).create_infer_request()
    except RuntimeError as error:
        raise GraphError(tr("{name}: the ONNX graph cannot be read: {error}", name=graph.name, error=error)) from None
    lock = threading.Lock()

    def run(ids: npt.NDArray[np.int32]) -> Floats:
        with lock:  # a request serves one caller at a time
            try:
                return np.array(request.infer({"ids": ids})["logits"])  # a copy: the request keeps its own
            except RuntimeError as error:
                raise graph.broken(error) from error

    return run


def has_bfloat16() -> bool:
    """Whether OpenVINO computes in bfloat16 on this processor."""
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _core() -> OpenVinoCore:
    import openvino

    return openvino.Core()
