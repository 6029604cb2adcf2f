"""The configuration of a run: its options, its strict settings and the search spaces."""
