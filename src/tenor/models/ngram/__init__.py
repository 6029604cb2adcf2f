"""Hashed n-gram features and the linear model on them."""
