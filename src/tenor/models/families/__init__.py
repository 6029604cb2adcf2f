"""The model families, one file each; `models/registry.py` lists them."""
