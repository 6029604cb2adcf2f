"""Foundations for every package: atomic writes, strict JSON, arrays on disk, threads, callbacks."""
