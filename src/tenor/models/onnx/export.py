"""A Keras network as ONNX, which must give the same logits before it is used."""

from dataclasses import replace

import numpy as np

from tenor._core.language import tr
from tenor.errors import TenorError, missing_extra
from tenor.models.neural import precision
from tenor.models.neural.network import Network
from tenor.models.onnx import probe, runtimes
from tenor.models.onnx.onnx_network import FLOAT32, INT8, TOLERANCE, OnnxNetwork
from tenor.models.onnx.probe import NETWORK, Probe
from tenor.models.onnx.weights import GraphTooLargeError
from tenor.text.encoded import Encoded, concatenate


def export(network: Network, encoded: Encoded) -> OnnxNetwork:
    """The network as ONNX, compared with Keras on `encoded` and on random rows.

    The comparison uses ONNX Runtime, whatever runtime will predict.

    Raises:
        TenorError: The logits differ, the graph is larger than 2 GB, or ONNX or ONNX Runtime is not installed.
    """
    exported = OnnxNetwork(
        family=network.family,
        task=network.task,
        config=network.config,
        text_encoder=network.text_encoder,
        weights=network.arrays(),
        files={FLOAT32: _convert(network)},
        trained_network=network if precision.has_accelerator() else None,
        feature_kernel=network.feature_kernel,
    )
    rows = probe.draw(network.max_row_length, network.text_encoder.size)
    both = concatenate([encoded, rows])  # at once, since a backend may compile for every shape of batch
    by_network, by_graph = network.score_texts(both), exported.score_with(exported.in_onnx_runtime(), both)
    difference = np.abs(network.to_outputs(by_network) - exported.to_outputs(by_graph)).max(initial=0.0)
    if not difference <= TOLERANCE:  # so that NaN is refused too
        raise TenorError(
            tr(
                "the ONNX graph is up to {difference:.2g} away from the network, so it is not kept.",
                difference=difference,
            ),
            tr("Predictions go through Keras. Please report this."),
        )
    n_rows = len(rows.row_to_text)
    return replace(exported, probe=Probe(rows, {NETWORK: by_network[-n_rows:], FLOAT32: by_graph[-n_rows:]}))


def quantised(network: Network, plain: OnnxNetwork) -> OnnxNetwork:
    """`plain` with an int8 graph, which predicts from then on: kernels and tables are rounded to 8 bits.

    It is smaller and faster but not equal, so measure it before you keep it. The float32 graph stays.
    """
    files = {FLOAT32: plain.files[FLOAT32], INT8: _convert(network, int8=True)}
    result = replace(plain, files=files, trained_network=None, origin=None)
    if result.probe is None:  # an older Tenor made the float32 graph
        return result
    logits = {**result.probe.logits, INT8: result.score_with(result.in_onnx_runtime(INT8), result.probe.rows)}
    return replace(result, probe=replace(result.probe, logits=logits))


def _convert(network: Network, int8: bool = False) -> bytes:
    """The network as an ONNX file. Raises TenorError like `export`."""
    try:
        from tenor.models.onnx.convert import convert
    except ModuleNotFoundError as error:
        if error.name != "onnx":
            raise
        raise missing_extra(tr("writing ONNX"), "deep") from None
    if not runtimes.is_installed():
        raise missing_extra(tr("running ONNX"), "deep")
    try:
        return convert(network.keras_model, int8)
    except GraphTooLargeError as error:
        raise TenorError(
            tr("{error}, so no graph is written.", error=error), tr("Predictions go through Keras.")
        ) from None
