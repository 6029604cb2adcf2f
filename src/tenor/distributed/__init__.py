"""Prediction, training, search and serving on a Ray cluster; the only package that imports Ray."""
