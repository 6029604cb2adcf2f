"""What a run is asked for: its settings, read strictly, and the ranges that a search may try."""
