"""How many cores this process may use, and work that is spread over them."""

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
    """Cores that this process may run on, as its affinity and its container allow, or OMP_NUM_THREADS where that is
    set and smaller.
    """
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    available = min(available, _allowed() or available)
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(available, int(asked))) if asked.isdigit() and int(asked) else available


def cgroup_cores(groups: Path, root: Path) -> int | None:
    """Cores that the time of Linux control groups pays for, rounded up; None where there is no limit.

    Args:
        groups: The groups of a process, as in /proc/self/cgroup: version 1, 2, or both.
        root: Where the groups stand. A group is limited by those above it, too.
    """
    found = []
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
                found.append(math.ceil(int(limit[0]) / int(limit[1])))
    return min(found, default=None)


@functools.cache
def _allowed() -> int | None:
    return cgroup_cores(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # no Linux, no such controller, or no right to look
        return ""


def parallel_map(
    function: Callable[[Item], Result], items: Iterable[Item], max_pending: int | None = None
) -> Iterator[Result]:
    """`map` on all cores, in little memory however many items there are.

    Args:
        function: What to do with each.
        items: The items.
        max_pending: Results that may wait beside the one that is asked for; None: four for each core.
    """
    max_pending = 4 * available_cores() if max_pending is None else max_pending
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(available_cores()) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > max_pending:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
