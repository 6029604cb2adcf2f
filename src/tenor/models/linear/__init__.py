"""Linear models: loss, solver, and the head on frozen features."""
