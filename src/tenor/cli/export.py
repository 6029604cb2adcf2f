"""`tenor export`."""

import json
import time
from typing import Annotated

import typer

from tenor.cli import options
from tenor.errors import counted

_COMPARED = 64  # texts on which the float32 graph is compared with the network


def export(
    model: options.Model,
    to: Annotated[str, typer.Option(help="Format: onnx.")] = "onnx",
    int8: Annotated[
        bool,
        typer.Option("--int8", help="Also write an int8 graph, which then predicts. Kept if at most 0.3 points worse."),
    ] = False,
    data: Annotated[
        str | None, typer.Option(help="Labelled texts to evaluate --int8 on; not the training texts.")
    ] = None,
    text: options.Text = None,
    label: options.Label = None,
    label_separator: Annotated[
        str | None, typer.Option(help="Separator for multi-label cells. [default: as in training]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one line of JSON.")] = False,
) -> None:
    """Write the networks of a model as ONNX graphs into its folder, after comparing them with Keras.

    Without --int8, only float32 graphs are written.
    """
    from tenor.cli import console
    from tenor.data import sources
    from tenor.data.read_options import ReadOptions
    from tenor.errors import SettingsError
    from tenor.inference import bundle
    from tenor.inference.predictor import Predictor
    from tenor.training import export as exporting

    if to != "onnx":
        raise SettingsError(f"--to: there is no format {to!r}.", "Known: onnx.")
    if int8 and data is None:
        raise SettingsError("--int8 has to be measured before it is kept.", "Give labelled texts with --data.")
    if data is None and (text, label, label_separator) != (None, None, None):
        raise SettingsError("--text, --label and --label-separator are about --data.", "Give that, or leave them out.")
    loaded = Predictor(bundle.load(model, check_graphs=False))  # graphs that are wrong here are made anew
    rows = None
    if data is not None:
        reading = ReadOptions(text=text, label=label, label_separator=label_separator)
        with console.Console(quiet=as_json) as callback:
            rows, _ = sources.read_for_evaluation(
                data, loaded.bundle.task.kind, loaded.bundle.metadata, reading, callback
            )
    begin = time.perf_counter()
    texts = [rows.texts[row] for row in range(min(len(rows), _COMPARED))] if rows is not None else []
    found = exporting.export_float32(loaded, texts)
    compared = None
    try:
        if int8:
            assert rows is not None
            found, compared, _ = exporting.export_int8(found, rows)
    finally:  # the float32 graph is there where int8 is refused
        found.save(model, overwrite=True)
    names = [name for name in found.bundle.model.graphs() if name.endswith(".onnx")]
    sizes = {name: (model / name).stat().st_size for name in (*names, bundle.WEIGHTS)}
    seconds = time.perf_counter() - begin
    if as_json:
        print(json.dumps({"files": sizes, "seconds": seconds} | ({"int8": compared.as_dict()} if compared else {})))
        return
    for name, size in sizes.items():
        console.show(f"{model / name}  {size / 1e6:,.1f} MB")
    if compared is not None:
        figure = compared.metric.replace("_", " ")
        rows_measured = counted(compared.rows, "text")
        console.show(f"{figure} on {rows_measured}: float32 {compared.float32:.4f}, int8 {compared.int8:.4f}")
