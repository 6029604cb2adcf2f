"""File formats, one per file (CSV, JSON, Parquet, Arrow, text, folders), with limits and encodings."""
