"""The formats by the ending of a file's name."""

from pathlib import Path

FORMATS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".arrow", ".feather", ".xlsx", ".txt")
WORKBOOKS = (".xlsx",)
WRITTEN = tuple(kind for kind in FORMATS if kind != ".json")
ARROW = (".parquet", ".arrow", ".feather")
BINARY = (*ARROW, *WORKBOOKS)  # neither text nor compressed again
COMPRESSED = (".gz", ".zst", ".bz2", ".xz", ".zip")  # follows the ending of a text format
COMPRESSED_WRITTEN = (".gz", ".zst")


def suffix(path: Path) -> str:
    """The ending of a file's name that sets its format, without that of a compression."""
    return (Path(path.stem) if path.suffix.lower() in COMPRESSED else path).suffix.lower()
