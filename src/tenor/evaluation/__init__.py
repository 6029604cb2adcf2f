"""Metrics, calibration, conformal prediction, thresholds, slices, comparison of models."""
