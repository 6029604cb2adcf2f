"""`tenor families`."""

import json
from typing import Annotated

import typer

from tenor._core.language import tr
from tenor.cli import options


def families(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False, lang: options.Lang = None
) -> None:
    """List the model families and their settings."""
    from tenor.config import settings
    from tenor.models import registry

    if as_json:
        rows = [
            {
                "name": row.name,
                "summary": row.summary,
                "paper": row.paper,
                "settings": settings.as_dict(row.config()),
            }
            for row in registry.FAMILIES.values()
        ]
        print(json.dumps(rows, ensure_ascii=False))
        return
    for family in registry.FAMILIES.values():
        print(f"{family.name}: {tr(family.summary)} ({family.paper})")
        for key, value in settings.as_dict(family.config()).items():
            shown = tr(family.unset) if value is None else value
            print(f"  {key} = {shown}")
