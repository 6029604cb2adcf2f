"""The formats by the ending of a file's name."""

from pathlib import Path

FORMATS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".arrow", ".feather", ".txt")
WRITTEN = tuple(kind for kind in FORMATS if kind != ".json")
BINARY = (".parquet", ".arrow", ".feather")
COMPRESSED = (".gz", ".zst")  # follows the ending of a text format


def suffix(path: Path) -> str:
    """The ending of a file's name that sets its format, without `.gz` or `.zst`."""
    return (Path(path.stem) if path.suffix.lower() in COMPRESSED else path).suffix.lower()
