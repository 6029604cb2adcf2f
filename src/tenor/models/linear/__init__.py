"""Linear models: the loss, the solver, and the head on frozen features."""
