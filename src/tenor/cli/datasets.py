"""`tenor datasets`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from tenor._core.language import tr
from tenor.cli import options


def datasets(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False, lang: options.Lang = None
) -> None:
    """List the built-in datasets."""
    from tenor.data.builtin import BUILTINS

    if as_json:
        rows = [{key: value for key, value in asdict(row).items() if key != "read"} for row in BUILTINS.values()]
        print(json.dumps(rows, ensure_ascii=False))
        return
    for row in BUILTINS.values():
        print(
            tr(
                "{name:16} {rows:6,} rows  {n_classes} classes  {language}  {summary}",
                name=row.name,
                rows=row.rows,
                n_classes=len(row.classes),
                language=row.language,
                summary=tr(row.summary),
            )
        )
        print(
            tr(
                "{indent} {source}; package {package}; licence: {licence}",
                indent=" " * 16,
                source=row.source,
                package=row.package,
                licence=row.licence,
            )
        )
