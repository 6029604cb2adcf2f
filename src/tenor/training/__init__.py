"""Training: pipeline, fitting, network steps, checkpoints and resume, pretraining, search."""
