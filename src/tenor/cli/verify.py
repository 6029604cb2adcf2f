"""`tenor verify`."""

import json
import math
from typing import TYPE_CHECKING, Annotated

import typer

from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor.cli import layout, options

if TYPE_CHECKING:
    from tenor.models.onnx.proof import VerificationRow


def verify(
    model: options.Model,
    runtime: options.Runtime = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as one line of JSON.")] = False,
    lang: options.Lang = None,
) -> None:
    """Compare the graphs of a model with their results on the machine that trained it.

    Exits with 1 if a graph disagrees.
    """
    from tenor.inference import bundle

    options.use_runtime(runtime, model)
    rows = [described(row) for row in bundle.verify(model)]
    agrees = all(row["agrees"] for row in rows)
    if as_json:
        print(json.dumps({"agrees": agrees, "graphs": rows}))
    elif not rows:
        print(tr("there is no graph to compare: this model is computed without one."))
    else:
        print("\n".join(table(rows)))
    if not agrees:
        raise typer.Exit(1)


def described(row: "VerificationRow") -> JsonObject:
    """What --json prints of a comparison."""
    difference = row.verdict.difference
    return {
        "graph": row.graph,
        "runtime": row.runtime,
        "precision": row.precision,
        "rows": row.verdict.rows,
        "largest_difference": difference if math.isfinite(difference) else None,
        "allowed": row.verdict.allowed,
        "agrees": row.verdict.agrees,
    }


def table(rows: list[JsonObject]) -> list[str]:
    """Comparisons as lines for people, a head first."""
    titles = [tr("graph"), tr("runtime"), tr("data type"), tr("rows"), tr("largest difference")]
    cells = [[*titles, tr("allowed"), tr("verdict")]]
    for row in rows:
        difference = tr("not a number") if row["largest_difference"] is None else f"{row['largest_difference']:.2g}"
        verdict = tr("agrees") if row["agrees"] else tr("DISAGREES")
        numbers = [f"{row['rows']}", difference, f"{row['allowed']:.2g}"]
        cells.append([row["graph"], row["runtime"], row["precision"], *numbers, verdict])
    columns = layout.table([row[:-1] for row in cells], (0, 0, 9, 4, 18, 7), left=3)
    return [f"{line}  {row[-1]}" for line, row in zip(columns, cells, strict=True)]
