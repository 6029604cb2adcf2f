"""A saved model and its predictions: for texts, for tables, for many files."""
