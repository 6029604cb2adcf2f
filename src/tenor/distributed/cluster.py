"""The door to Ray: a cluster on this machine, or one that is there."""

import contextlib
import os
import socket
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from tenor._core.threads import available_cores
from tenor.errors import SettingsError, TenorError, missing_extra

LOCAL = "ray"
_REACH_S = 10.0


@contextlib.contextmanager
def connected(address: str) -> Iterator[Any]:
    """Ray, connected for as long as the block goes on, whose standard output is the standard error.

    Args:
        address: `ray` for the cluster that RAY_ADDRESS names, or else one of this machine alone, which ends with the
            block; or `ray://HOST:PORT`.

    Raises:
        TenorError: Ray is not installed, or there is no cluster at the address.
    """
    if address != LOCAL and not address.startswith("ray://"):
        raise SettingsError(f"{address!r} is not the address of a cluster.", "Write ray, or ray://HOST:PORT.")
    # Ray tells its makers of each use, and warns of what it will do in a version to come.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise missing_extra("a Ray cluster", "ray") from None
    if ray.is_initialized():  # by the program that calls
        yield ray
        return
    where = os.environ.get("RAY_ADDRESS", "") if address == LOCAL else address
    _reach(where)
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address != LOCAL:
        options["address"] = address
    elif not where:
        options |= {"address": "local", "num_cpus": available_cores(), "include_dashboard": False}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        problem = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise _silent(where or LOCAL, problem) from None
    try:
        with contextlib.redirect_stdout(sys.stderr):  # where Ray says that a node is dead
            yield ray
    finally:
        ray.shutdown()


def room(ray: Any, threads: int) -> int:
    """Workers of so many cores for which the cluster has room."""
    nodes = (node["Resources"] for node in ray.nodes() if node["Alive"])
    return sum(int(resources.get("CPU", 0)) // threads for resources in nodes)


def workers(ray: Any, wanted: int | None, threads: int) -> int:
    """How many workers to start: those wanted (None: any number) as far as there is room, or one, to wait for it."""
    most = max(1, room(ray, threads))
    return min(wanted or most, most)


def _reach(address: str) -> None:
    """Look whether anyone listens at HOST:PORT, since Ray itself tries for minutes. Raises TenorError where not."""
    host, separator, port = address.removeprefix("ray://").rpartition(":")
    if not separator or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), _REACH_S).close()
    except (OSError, OverflowError) as error:
        raise _silent(address, str(error)) from None


def _silent(address: str, problem: str) -> TenorError:
    return TenorError(
        f"{address}: there is no Ray cluster that answers: {problem}",
        "Start it, or fix the address (ray://HOST:PORT, or RAY_ADDRESS).",
    )
