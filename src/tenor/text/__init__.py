"""Texts to tokens, n-gram counts, token ids and batches, with NumPy only."""
