"""The connection to Ray: a new cluster on this machine, or an existing one."""

import contextlib
import os
import socket
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any, TypeAlias

from tenor._core.language import VARIABLE, language, tr
from tenor._core.threads import available_cores
from tenor.errors import SettingsError, TenorError, missing_extra

RayModule: TypeAlias = ModuleType
"""The module `ray`, which is imported only to connect to a cluster."""
RayActor: TypeAlias = Any
"""A handle of an actor."""
RayReference: TypeAlias = Any
"""A reference to a value in the cluster, or to the result of a call."""

LOCAL = "ray"
_REACH_S = 10.0


@contextlib.contextmanager
def connected(address: str) -> Iterator[RayModule]:
    """Ray, connected until the block ends. The standard output of the block is the standard error.

    Args:
        address: `ray` for the cluster that RAY_ADDRESS names, or else one of this machine alone, which ends with the
            block; or `ray://HOST:PORT`.

    Raises:
        TenorError: Ray is not installed, or there is no cluster at the address.
    """
    if address != LOCAL and not address.startswith("ray://"):
        raise SettingsError(
            tr("{address!r} is not the address of a cluster.", address=address), tr("Write ray, or ray://HOST:PORT.")
        )
    # Ray reports each use to its developers, and warns about changes in future versions.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise missing_extra(tr("a Ray cluster"), "ray") from None
    if ray.is_initialized():  # by the calling program
        yield ray
        return
    where = os.environ.get("RAY_ADDRESS", "") if address == LOCAL else address
    _reach(where)
    in_this_language = {"env_vars": {VARIABLE: language()}}  # also what workers report
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "runtime_env": in_this_language}
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
        with contextlib.redirect_stdout(sys.stderr):  # to which Ray reports dead nodes
            yield ray
    finally:
        ray.shutdown()


def room(ray: RayModule, threads: int) -> int:
    """How many workers with `threads` cores each the cluster has room for."""
    nodes = (node["Resources"] for node in ray.nodes() if node["Alive"])
    return sum(int(resources.get("CPU", 0)) // threads for resources in nodes)


def workers(ray: RayModule, requested: int | None, threads: int) -> int:
    """How many workers to start: at least one, at most `requested` (None: any number), and as many as have room."""
    most = max(1, room(ray, threads))
    return min(requested or most, most)


def _reach(address: str) -> None:
    """Raise TenorError if nobody listens at HOST:PORT; Ray itself would try for minutes."""
    host, separator, port = address.removeprefix("ray://").rpartition(":")
    if not separator or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), _REACH_S).close()
    except (OSError, OverflowError) as error:
        raise _silent(address, str(error)) from None


def _silent(address: str, problem: str) -> TenorError:
    return TenorError(
        tr("{address}: there is no Ray cluster that answers: {problem}", address=address, problem=problem),
        tr("Start it, or fix the address (ray://HOST:PORT, or RAY_ADDRESS)."),
    )
