"""The files of a saved model: their names, and how JSON and tables are written."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from tenor._core import tensor_file
from tenor._core.records import JsonMapping
from tenor.models.onnx import onnx_network
from tenor.models.onnx.probe import PROBE

FORMAT = 4
"""The newest format: a model may read several columns, or characters as others, or have weights for pairs only."""
FORMAT_WITH_SINGLE_TEXT = 3
"""The format of models that read one column unchanged: graphs refer to `weights.safetensors`."""
FORMAT_WITHOUT_GRAPHS = 2
"""The format of such models without graphs, which older versions can read too."""

MANIFEST, METADATA, ENCODER, WEIGHTS = "manifest.json", "tenor.json", "encoder.json", tensor_file.FILE
METRICS, HISTORY, STEPS = "metrics.json", "history.csv", "steps.csv"
REPORT, MODEL_CARD = "report.html", "README.md"
DOCUMENTS = (REPORT, MODEL_CARD)

ENCODER_KIND = "encoder"
"""`kind` in the tenor.json of a pretrained encoder. A classifier has no `kind`."""
CONFORMAL_PREFIX = "conformal/"
"""Names of arrays that hold conformal scores, not weights, begin with this."""

_FILES = {MANIFEST, METADATA, ENCODER, WEIGHTS, METRICS, HISTORY, STEPS, *DOCUMENTS}
_GRAPH_FILES = "|".join(map(re.escape, (onnx_network.FLOAT32, onnx_network.INT8, PROBE)))
_GRAPH = re.compile(rf"(\d+\.)?({_GRAPH_FILES})")  # the models of a blend are numbered
_DESKTOP_FILES = re.compile(r"\.DS_Store|\._.*|Thumbs\.db|desktop\.ini")

T = TypeVar("T")


def is_graph(name: str) -> bool:
    """Whether a file of this name is an ONNX graph, or the probe of one."""
    return _GRAPH.fullmatch(name) is not None


def is_model_file(name: str) -> bool:
    """Whether a saved model may have a file of this name."""
    return name in _FILES or is_graph(name)


def is_desktop_file(name: str) -> bool:
    """Whether a desktop puts a file of this name into folders that people open. Such files are never read."""
    return _DESKTOP_FILES.fullmatch(name) is not None


def values_of_member(graph: str, values: Mapping[str, T]) -> dict[str, T]:
    """The values that belong to one graph, by the names that the graph uses.

    In a blend, names of arrays begin with the number of the model: `1/logits/kernel`.

    Args:
        graph: The file's name, such as `1.model.onnx`.
        values: Values by the names of arrays in the folder.
    """
    number = graph.partition(".")[0]
    prefix = f"{number}/" if number.isdecimal() else ""
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


def to_json(value: object) -> bytes:
    """A value as a JSON file."""
    return (json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def to_csv(rows: Sequence[JsonMapping]) -> bytes:
    """Rows as a CSV file. Columns are in the order in which they first occur."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()
