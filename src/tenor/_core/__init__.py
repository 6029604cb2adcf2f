"""What everything may use: safe files, strict JSON, threads, progress, the version."""
