"""Changes of saved folders."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def sign(folder: Path) -> None:
    """Make the manifest fit what is in the folder, as somebody would who wants it to load."""
    entries = {
        path.name: {"size": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in folder.iterdir()
        if path.name != "manifest.json"
    }
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "files": entries}))


def change(folder: Path, name: str, edit: Callable[[dict[str, Any]], Any]) -> None:
    values = json.loads((folder / name).read_text())
    edit(values)
    (folder / name).write_text(json.dumps(values))
