"""The number of cores that this process may use, and `map` on all of them."""

import functools
import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_cores() -> int:
    """The number of cores for this process: the least of its affinity, its container's limit and OMP_NUM_THREADS."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    available = min(available, _allowed() or available)
    requested = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(available, int(requested))) if requested.isdigit() and int(requested) else available


def cgroup_cores(groups: Path, root: Path) -> int | None:
    """The limit of Linux control groups on CPU time, in cores, rounded up; None: there is no limit.

    Unlike joblib's count, this follows the group of the process, and every group above it: a service of systemd may
    have a limit of its own.

    Args:
        groups: The groups of a process, as in /proc/self/cgroup: version 1, 2, or both.
        root: Folder of the groups.
    """
    limits = []
    for line in _read(groups).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root / "cpu" if controllers else root
        inside = PurePosixPath(path.lstrip("/"))
        for group in (inside, *inside.parents):
            if controllers:
                limit = [_read(base / group / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
            else:
                limit = _read(base / group / "cpu.max").split()
            if len(limit) == 2 and all(each.isdigit() and int(each) for each in limit):  # else "max", or -1
                limits.append(math.ceil(int(limit[0]) / int(limit[1])))
    return min(limits, default=None)


@functools.cache
def _allowed() -> int | None:
    return cgroup_cores(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux, no such controller, or no permission
        return ""


def parallel_map(
    function: Callable[[Item], Result], items: Iterable[Item], max_pending: int | None = None
) -> Iterator[Result]:
    """`map` on all cores, with results in order, in little memory for any number of items.

    Args:
        function: Called with each item, in threads.
        items: The items.
        max_pending: The most results that wait to be taken, besides the next one; None: four per core.
    """
    max_pending = 4 * available_cores() if max_pending is None else max_pending
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(available_cores()) as pool:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > max_pending:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
