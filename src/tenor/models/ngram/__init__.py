"""Hashed n-grams as weighted features, and the linear model over them."""
