"""`tenor export`."""

import json
from typing import Annotated

import typer

from tenor._core.language import tr
from tenor.cli import options
from tenor.errors import counted


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
    lang: options.Lang = None,
) -> None:
    """Write the networks of a model as ONNX graphs into its folder, after comparing them with Keras.

    Without --int8, only float32 graphs are written.
    """
    from tenor.cli import console
    from tenor.data.read_options import ReadOptions
    from tenor.errors import SettingsError
    from tenor.training.export_folder import export_folder

    if to != "onnx":
        raise SettingsError(tr("--to: there is no format {to!r}.", to=to), tr("Known: onnx."))
    if data is None and (text, label, label_separator) != (None, None, None):
        raise SettingsError(
            tr("--text, --label and --label-separator are about --data."), tr("Give that, or leave them out.")
        )
    reading = ReadOptions(text=text, label=options.column_names(label), label_separator=label_separator)
    with console.Console(quiet=as_json) as callback:
        result = export_folder(model, data, reading, int8, callback=callback)
    if as_json:
        compared = {"int8": result.int8.as_dict()} if result.int8 else {}
        print(json.dumps({"files": result.sizes, "seconds": result.seconds} | compared))
        return
    for name, size in result.sizes.items():
        console.show(f"{model / name}  {size / 1e6:,.1f} MB")
    if result.int8 is not None:
        metric, texts = result.int8.metric.replace("_", " "), counted(result.int8.rows, "text")
        console.show(
            tr(
                "{metric} on {texts}: float32 {float32:.4f}, int8 {int8:.4f}",
                metric=metric,
                texts=texts,
                float32=result.int8.float32,
                int8=result.int8.int8,
            )
        )
