"""What a run is asked to do: its options and strict settings, and the search spaces."""
