"""Saved models, and predictions for texts, tables and files."""
