"""The saved model: a folder of JSON, CSV and safetensors with a manifest of sizes and SHA-256 hashes.

Nothing in the folder is executed. The manifest detects damage and mistakes, but it cannot show who wrote the folder.
So every value is also checked when it is read: the fields of JSON, the names, shapes and values of arrays, and the
logits of a first text.
"""

from tenor.inference.bundle.contents import Bundle, EncoderBundle
from tenor.inference.bundle.damage import check_logits
from tenor.inference.bundle.format import FORMAT, MANIFEST, MODEL_CARD, REPORT, WEIGHTS
from tenor.inference.bundle.metrics_file import Metrics, Timing
from tenor.inference.bundle.reading import load, load_encoder, verify
from tenor.inference.bundle.verified_files import digest, has_onnx_graph, short_version, version
from tenor.inference.bundle.writing import check_target, save, save_encoder

__all__ = [
    "FORMAT",
    "MANIFEST",
    "MODEL_CARD",
    "REPORT",
    "WEIGHTS",
    "Bundle",
    "EncoderBundle",
    "Metrics",
    "Timing",
    "check_logits",
    "check_target",
    "digest",
    "has_onnx_graph",
    "load",
    "load_encoder",
    "save",
    "save_encoder",
    "short_version",
    "verify",
    "version",
]
