"""Exports the networks of a saved model: the new graphs replace the old ones in its folder."""

import time
from dataclasses import dataclass
from pathlib import Path

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor.data import sources
from tenor.data.read_options import ReadOptions
from tenor.errors import SettingsError
from tenor.inference import bundle
from tenor.inference.predictor import Predictor
from tenor.training.export import Int8Comparison, export_float32, export_int8, require_network

_MAX_COMPARED = 64  # texts on which the float32 graph is compared with the network


@dataclass(frozen=True)
class ExportResult:
    """An export.

    Attributes:
        sizes: Bytes of each graph, and of the weights, by name of the file.
        seconds: How long the export took.
        int8: The comparison of int8 with float32; None: there is no graph in int8.
    """

    sizes: dict[str, int]
    seconds: float
    int8: Int8Comparison | None = None


def export_folder(
    folder: Path, data: str | None = None, options: ReadOptions | None = None, int8: bool = False, *, callback: Callback
) -> ExportResult:
    """Write ONNX graphs of the networks of a model into its folder.

    Args:
        folder: Folder of the model.
        data: Labelled texts, not those of training, on which the graphs are compared.
        options: How `data` is read.
        int8: Write graphs in int8 too, which `data` has to show to be about as good.
        callback: Receives messages.

    Raises:
        SettingsError: The model has no network, or there is no `data` for `int8`.
        TenorError: A graph gives other logits than its network, or int8 is worse; the float32 graphs are kept then.
    """
    predictor = Predictor(bundle.load(folder, check_graphs=False))  # wrong graphs are replaced
    require_network(predictor)
    if int8 and data is None:
        raise SettingsError(
            tr("`int8=True` has to be measured before it is kept."), tr("Give labelled texts with `data=...`.")
        )
    rows = None
    if data is not None:
        saved = predictor.bundle
        rows, _ = sources.read_for_evaluation(
            data, saved.task, saved.fields, saved.metadata, options or ReadOptions(), callback
        )
    start = time.perf_counter()
    texts = [rows.texts[row] for row in range(min(len(rows), _MAX_COMPARED))] if rows is not None else []
    predictor = export_float32(predictor, texts)
    comparison = None
    try:
        if int8 and rows is not None:
            predictor, comparison, _ = export_int8(predictor, rows)
    finally:  # the float32 graphs are kept if int8 is refused
        predictor.save(folder, overwrite=True)
    graphs = [name for name in predictor.bundle.model.graphs() if name.endswith(".onnx")]
    sizes = {name: (folder / name).stat().st_size for name in (*graphs, bundle.WEIGHTS)}
    return ExportResult(sizes, time.perf_counter() - start, comparison)
