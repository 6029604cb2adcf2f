"""A network in Keras -> the same in ONNX, proven equal before it is handed on."""

from dataclasses import replace

import numpy as np

from tenor.errors import TenorError, missing_extra
from tenor.models.neural import precision
from tenor.models.neural.network import Network
from tenor.models.onnx import probe, runtimes
from tenor.models.onnx.onnx_network import FLOAT32, INT8, TOLERANCE, OnnxNetwork
from tenor.models.onnx.probe import NETWORK, Probe
from tenor.models.onnx.weights import GraphTooLargeError
from tenor.text.encoded import Encoded, concatenate


def export(network: Network, encoded: Encoded) -> OnnxNetwork:
    """The network as ONNX, once it has said the same of `encoded` as Keras.

    Raises:
        TenorError: It has not; the graph is larger than 2 GB; or ONNX or ONNX Runtime is not installed.
    """
    parts = network.family, network.task, network.config, network.text_encoder, network.arrays()
    made = OnnxNetwork(*parts, {FLOAT32: _convert(network)}, precision.has_accelerator())
    rows = probe.draw(network.max_row_length, network.text_encoder.size)
    both = concatenate([encoded, rows])  # at once, since a backend may compile for every shape of batch
    by_network, by_graph = (
        network.score(both),
        made.score_with(made.in_onnx_runtime(), both),
    )  # whatever runtime is to predict
    difference = np.abs(network.to_outputs(by_network) - made.to_outputs(by_graph)).max(initial=0.0)
    if not difference <= TOLERANCE:  # not a number is no proof either
        raise TenorError(
            f"the ONNX graph is up to {difference:.2g} away from the network, so it is not kept.",
            "Predictions go through Keras. Please report this.",
        )
    kept = {NETWORK: by_network[-len(rows.row_to_text) :], FLOAT32: by_graph[-len(rows.row_to_text) :]}
    made = replace(made, probe=Probe(rows, kept))
    if made.on_device:
        vars(made)["network"] = network  # where it is already
    return made


def quantised(network: Network, plain: OnnxNetwork) -> OnnxNetwork:
    """`plain` with a graph in int8 beside it, which predicts: kernels and tables are rounded to 8 bits.

    It is smaller and quicker and not quite equal: measure it before it is kept. The float32 graph stays.
    """
    files = {FLOAT32: plain.files[FLOAT32], INT8: _convert(network, int8=True)}
    small = replace(plain, files=files, on_device=False, origin=None)
    if small.probe is None:  # an older Tenor made the float32 graph
        return small
    logits = {**small.probe.logits, INT8: small.score_with(small.in_onnx_runtime(INT8), small.probe.rows)}
    return replace(small, probe=replace(small.probe, logits=logits))


def _convert(network: Network, int8: bool = False) -> bytes:
    try:
        from tenor.models.onnx.convert import convert
    except ModuleNotFoundError as error:
        if error.name != "onnx":
            raise
        raise missing_extra("writing ONNX", "deep") from None
    if not runtimes.is_installed():
        raise missing_extra("running ONNX", "deep")
    try:
        return convert(network.keras_model, int8)
    except GraphTooLargeError as error:
        raise TenorError(f"{error}, so there is none.", "Predictions go through Keras.") from None
