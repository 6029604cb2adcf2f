"""The HTTP interface on a Ray cluster: replicas of the same application, as many as the load asks for."""

import contextlib
import logging
import os
import signal
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenor._core.language import tr
from tenor.distributed import cluster
from tenor.distributed.cluster import RayModule
from tenor.errors import SettingsError, TenorError, counted, missing_extra
from tenor.serving import app
from tenor.serving.running import announce, listening_socket

NAME = "tenor"
_WAITING = 4  # times as many requests as are aimed at may be with a replica; more wait before it
_GRACE_S = 30.0  # for requests that were accepted, when a replica ends
_LATER_S = 5.0  # that the way to a replica waits for an answer after the replica has given up


@dataclass(frozen=True)
class Scaling:
    """The number of replicas.

    Attributes:
        min_replicas: Replicas without load.
        max_replicas: Replicas under load; None: as many as the cluster has room for.
        target_ongoing_requests: Target number of concurrent requests per replica: more requests start replicas, fewer
            end them.
        num_threads: Cores per replica.
    """

    min_replicas: int = 1
    max_replicas: int | None = None
    target_ongoing_requests: float = 16.0
    num_threads: int = 1


@contextlib.contextmanager
def running(
    ray: RayModule,
    folders: list[Path],
    options: app.ServerOptions,
    scaling: Scaling,
    host: str,
    port: int,
    corrections: str | None = None,
) -> Iterator[None]:
    """Replicas that answer until the block ends; requests that were accepted are answered first.

    Args:
        ray: A connected Ray.
        folders: Folders of the models, which are sent along.
        options: How each replica is run.
        scaling: The number of replicas.
        host: Address that the cluster's head listens on.
        port: Port there.
        corrections: URL of the database for corrections; None: none are taken.

    Raises:
        TenorError: A folder is not a model, the cluster has no room, or it already serves models.
    """
    serve = _serve()
    app.create_app(folders, options, lambda _: None)  # raises an error if a model cannot be served
    room = cluster.room(ray, scaling.num_threads)
    if room < scaling.min_replicas:
        raise SettingsError(
            tr(
                "the cluster has room for {room} of {num_threads}, and {min_replicas} are asked for.",
                room=counted(room, "replica"),
                num_threads=counted(scaling.num_threads, "core"),
                min_replicas=scaling.min_replicas,
            ),
            tr("Use fewer replicas (`min_replicas=...`) or cores (`worker_cores=...`), or add a node."),
        )
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    quiet = {"log_level": "WARNING", "enable_access_log": False}
    timeout = options.limits.timeout_s + _LATER_S
    listening = {"host": host, "port": port, "request_timeout_s": timeout}
    serve.start(proxy_location="HeadOnly", http_options=listening, logging_config=quiet)
    if NAME in serve.status().applications:
        raise SettingsError(tr("the cluster serves models of Tenor already."), tr("End that command first."))
    models = {folder.resolve().name: _files(folder) for folder in folders}
    made = serve.deployment(
        name=NAME,
        autoscaling_config={
            "min_replicas": scaling.min_replicas,
            "max_replicas": max(scaling.min_replicas, scaling.max_replicas or room),
            "target_ongoing_requests": scaling.target_ongoing_requests,
        },
        max_ongoing_requests=max(1, round(_WAITING * scaling.target_ongoing_requests)),
        ray_actor_options={"num_cpus": scaling.num_threads},
        graceful_shutdown_timeout_s=_GRACE_S,
        logging_config=quiet,
    )(serve.ingress(_builder(ray.put(models), options, scaling.num_threads, corrections))())
    try:
        try:
            serve.run(made.bind(), name=NAME, route_prefix="/", logging_config=quiet)
        except (RuntimeError, ValueError, serve.exceptions.RayServeException) as error:
            raise TenorError(
                tr("the models cannot be served on this cluster: {error}", error=str(error).strip().splitlines()[0]),
                tr("Look at the logs of Ray, and at what else it serves ('serve status')."),
            ) from None
        yield
    finally:
        serve.delete(NAME)
        if not serve.status().applications:
            serve.shutdown()


def _serve() -> RayModule:
    try:
        with warnings.catch_warnings():  # of Pydantic, on how Ray uses it
            warnings.simplefilter("ignore")
            from ray import serve
    except ImportError:
        raise missing_extra(tr("serving on a Ray cluster"), "ray") from None
    return serve


def _builder(models: Any, options: app.ServerOptions, threads: int, corrections: str | None) -> Callable[[], Any]:
    """What makes the application in each replica."""
    references = [models]  # in a list, so that each replica fetches them itself

    def build() -> Any:
        import ray

        from tenor.serving import app
        from tenor.serving.running import log_line

        os.environ["OMP_NUM_THREADS"] = str(threads)
        store = None
        if corrections is not None:
            from tenor.data.correction_store import CorrectionStore

            store = CorrectionStore(corrections)
        with tempfile.TemporaryDirectory() as place:
            folders = []
            for name, files in ray.get(references[0]).items():
                folders.append(Path(place) / name)
                folders[-1].mkdir()
                for file, data in files.items():
                    (folders[-1] / file).write_bytes(data)
            return app.create_app(folders, options, log_line, store)

    return build


def _files(folder: Path) -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def wait() -> None:
    """Wait for SIGTERM or Ctrl-C."""
    ended = threading.Event()
    before = {each: signal.signal(each, lambda *_: ended.set()) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        ended.wait()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def serve(
    address: str,
    models: Sequence[Path],
    options: app.ServerOptions,
    scaling: Scaling,
    host: str,
    port: int,
    corrections: str | None = None,
) -> None:
    """Serve models on a cluster until SIGTERM or Ctrl-C.

    Args:
        address: `ray`, or `ray://HOST:PORT`.
        models: Folders of the models.
        options: How each replica is run.
        scaling: The number of replicas.
        host: Address that the cluster's head listens on.
        port: Port there; on this machine 0 takes a free one.
        corrections: URL of a database for corrections; None: the server takes none.

    Raises:
        TenorError: The cluster cannot be reached, or what serving raises.
    """
    if corrections is not None and "://" not in corrections:
        raise SettingsError(
            tr("`corrections=...`: replicas on several machines cannot share a file."),
            tr("Give the URL of a database."),
        )
    if not address.startswith("ray://"):
        with listening_socket(host, port) as free:  # raises an error if the address is taken
            host, port = free.getsockname()[:2]
    with (
        cluster.connected(address) as ray,
        running(ray, list(models), options, scaling, host, port, corrections),
    ):
        announce(host, port)
        wait()
