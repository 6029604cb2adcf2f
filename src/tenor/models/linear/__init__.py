"""Linear models: loss, solver, held-out scores, and the head on frozen features."""
