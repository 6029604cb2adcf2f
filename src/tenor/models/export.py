"""A network in Keras -> the same in ONNX, proven equal before it is handed on."""

from dataclasses import replace

import numpy as np

from tenor.errors import TenorError, missing_extra
from tenor.models import precision, runtimes
from tenor.models.exported import FLOAT32, INT8, TOLERANCE, Exported
from tenor.models.network import Network
from tenor.text.encoded import Encoded

_LARGEST = 2_000_000_000  # bytes; a file of ONNX is a message of Protocol Buffers, which ends at 2 GiB


def export(network: Network, encoded: Encoded) -> Exported:
    """The network as ONNX, once it has said the same of `encoded` as Keras.

    Raises:
        TenorError: It has not; the weights are larger than 2 GB; or ONNX or ONNX Runtime is not installed.
    """
    parts = network.family, network.task, network.config, network.text_encoder, network.arrays()
    made = Exported(*parts, {FLOAT32: _convert(network)}, precision.has_device())
    by_graph = made.score_by(made.original(), encoded)  # whatever runtime is to predict
    difference = np.abs(network.told(network.score(encoded)) - made.told(by_graph)).max(initial=0.0)
    if not difference <= TOLERANCE:  # not a number is no proof either
        raise TenorError(
            f"the ONNX graph is up to {difference:.2g} away from the network, so it is not kept.",
            "Predictions go through Keras. Please report this.",
        )
    if made.on_device:
        vars(made)["network"] = network  # where it is already
    return made


def quantised(network: Network, plain: Exported) -> Exported:
    """`plain` with a graph in int8 beside it, which predicts: kernels and tables are rounded to 8 bits.

    It is smaller and quicker and not quite equal: measure it before it is kept. The float32 graph stays.
    """
    files = {FLOAT32: plain.files[FLOAT32], INT8: _convert(network, int8=True)}
    return replace(plain, files=files, on_device=False)


def _convert(network: Network, int8: bool = False) -> bytes:
    if sum(np.asarray(variable).nbytes for variable in network.keras_model.weights) > _LARGEST:
        raise TenorError(
            "the network is larger than 2 GB, which is more than an ONNX file holds, so there is none.",
            "Predictions go through Keras.",
        )
    try:
        from tenor.models.convert import convert
    except ModuleNotFoundError as error:
        if error.name != "onnx":
            raise
        raise missing_extra("writing ONNX", "deep") from None
    if not runtimes.installed():
        raise missing_extra("running ONNX", "deep")
    return convert(network.keras_model, int8)
