"""`tenor datasets`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer


def datasets(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the built-in datasets."""
    from tenor.data.builtin import BUILTINS

    if as_json:
        rows = [{key: value for key, value in asdict(row).items() if key != "read"} for row in BUILTINS.values()]
        print(json.dumps(rows, ensure_ascii=False))
        return
    for row in BUILTINS.values():
        print(f"{row.name:16} {row.rows:6,} rows  {len(row.classes)} classes  {row.language}  {row.summary}")
        print(f"{'':16} {row.source}; package {row.package}; licence: {row.licence}")
