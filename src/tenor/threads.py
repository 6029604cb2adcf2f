"""How many cores this process may use."""

import os


def cores() -> int:
    """Cores that this process may run on, or OMP_NUM_THREADS where that is set and smaller."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(available, int(asked))) if asked.isdigit() and int(asked) else available
