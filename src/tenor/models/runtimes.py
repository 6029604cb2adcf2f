"""What runs a network's ONNX graph: ONNX Runtime, or OpenVINO where that is asked for.

OpenVINO computes in bfloat16 on processors that have it: as quick as int8 and closer to the network.
"""

import importlib.util
import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor import threads
from tenor.errors import SettingsError, missing_extra
from tenor.settings import nearest
from tenor.tasks import Floats

VARIABLE = "TENOR_RUNTIME"
"""The environment variable that names the runtime."""
ONNX_RUNTIME, OPENVINO = "onnxruntime", "openvino"
RUNTIMES = (ONNX_RUNTIME, OPENVINO)

Run = Callable[[npt.NDArray[np.int32]], Floats]
"""Ids (batch, time) -> logits (batch, outputs); several threads may call it at once."""

_FATAL = 4  # of what ONNX Runtime logs; errors are raised


def chosen() -> str:
    """The runtime that the environment asks for. Raises SettingsError where there is none of that name."""
    name = os.environ.get(VARIABLE) or ONNX_RUNTIME
    if name not in RUNTIMES:
        problem = f"{VARIABLE} (or --runtime) is {name!r}, which is no runtime."
        raise SettingsError(problem, nearest(name, list(RUNTIMES)))
    return name


def need() -> None:
    """Refuse a runtime that is asked for and is not there. Raises SettingsError or MissingExtraError."""
    if chosen() == OPENVINO and importlib.util.find_spec(OPENVINO) is None:
        raise missing_extra("the runtime OpenVINO", "openvino")


def installed() -> bool:
    """Whether ONNX Runtime is there."""
    return importlib.util.find_spec(ONNX_RUNTIME) is not None


def onnx_runtime(graph: bytes, outputs: int) -> Run:
    """The graph in ONNX Runtime. Raises ValueError where it is no graph from ids to so many logits."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads.cores()
    # Threads that wait would spin, and take the cores from a server's answers or from another process.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _FATAL
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no class in common
        if not type(error).__module__.startswith("onnxruntime"):
            raise
        raise ValueError(f"the ONNX graph cannot be read: {error}") from None
    inputs = [(each.name, each.type, len(each.shape)) for each in session.get_inputs()]
    found = [(each.name, each.type, each.shape[1:]) for each in session.get_outputs()]
    if (inputs, found) != ([("ids", "tensor(int32)", 2)], [("logits", "tensor(float)", [outputs])]):
        raise ValueError("the ONNX graph is that of another network")

    def run(ids: npt.NDArray[np.int32]) -> Floats:
        [logits] = session.run(["logits"], {"ids": ids})
        return np.asarray(logits)

    return run


def openvino(graph: bytes, bfloat16: bool) -> Run:
    """The graph in OpenVINO; with `bfloat16` in that, where the processor has it."""
    compiled = _core().compile_model(
        _core().read_model(graph),
        "CPU",
        {
            "PERFORMANCE_HINT": "LATENCY",  # all cores for one batch
            "INFERENCE_NUM_THREADS": threads.cores(),
            "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 and has_bfloat16() else "f32",
        },
    )
    request, lock = compiled.create_infer_request(), threading.Lock()

    def run(ids: npt.NDArray[np.int32]) -> Floats:
        with lock:  # a request serves one caller at a time
            return np.array(request.infer({"ids": ids})["logits"])  # a copy: the request keeps its own

    return run


def has_bfloat16() -> bool:
    """Whether OpenVINO computes in bfloat16 on this processor."""
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _core() -> Any:
    import openvino

    return openvino.Core()
