"""`tenor serve`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from tenor._core.language import tr
from tenor.cli import options
from tenor.cli.options import Runtime, given, require, require_cluster, use_runtime

Option = typer.Option


def serve(
    models: Annotated[list[Path], typer.Argument(metavar="MODEL...", help="Folders of models.")],
    host: Annotated[str, Option(help="Address to listen on; 0.0.0.0 accepts other machines.")] = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535, help="Port to listen on; 0 chooses a free one.")] = 8000,
    keys: Annotated[
        Path | None, Option(help="File with API keys, one per line; clients send one of them. Or set TENOR_API_KEY.")
    ] = None,
    origins: Annotated[list[str] | None, Option("--cors", help="Allowed CORS origin; repeatable.")] = None,
    hosts: Annotated[
        list[str] | None,
        Option(
            "--allowed-host",
            metavar="NAME",
            help="Public host name, or *.example.org; repeatable. Not needed for addresses and local names.",
        ),
    ] = None,
    max_batch: Annotated[int, Option(min=1, help="Maximum batch size, in texts.")] = 256,
    batch_wait: Annotated[float, Option(min=0, help="Time that a request waits for others, in milliseconds.")] = 0.0,
    queue: Annotated[int, Option(min=1, help="Maximum number of waiting texts per model.")] = 10_000,
    max_texts: Annotated[int, Option(min=1, help="Maximum number of texts per request.")] = 1_000,
    max_characters: Annotated[int, Option(min=1, help="Maximum number of characters per request.")] = 2_000_000,
    timeout: Annotated[float, Option(min=0.1, help="Time limit for an answer, in seconds.")] = 30.0,
    watch: Annotated[
        float | None,
        Option(min=0, help="Time between checks for a new model in a folder, in seconds; 0: no checks. [default: 5]"),
    ] = None,
    corrections: Annotated[
        str | None,
        Option(
            metavar="WHERE",
            help="Store corrected predictions in this SQLite file, or in the database of this URL.",
        ),
    ] = None,
    runtime: Runtime = None,
    log_texts: Annotated[bool, Option("--log-texts", help="Include the texts in the log.")] = False,
    on: Annotated[
        str | None,
        Option(metavar="ray", help="Serve on a Ray cluster: ray (RAY_ADDRESS, or this machine) or ray://HOST:PORT."),
    ] = None,
    min_replicas: Annotated[int, Option(min=1, help="Minimum number of replicas on the cluster.")] = 1,
    max_replicas: Annotated[
        int | None, Option(min=1, help="Maximum number of replicas. [default: as many as the cluster has cores for]")
    ] = None,
    target_requests: Annotated[
        float | None,
        Option(
            min=0.1,
            help="Target number of concurrent requests per replica; more requests start replicas. [default: 16]",
        ),
    ] = None,
    worker_cores: Annotated[int, Option(min=1, help="Cores per replica.")] = 1,
    lang: options.Lang = None,
) -> None:
    """Serve models over HTTP, with a web page at /."""
    require_cluster(
        on,
        min_replicas=min_replicas != 1,
        max_replicas=max_replicas is not None,
        target_requests=target_requests is not None,
        worker_cores=worker_cores != 1,
    )
    require(on is None, tr("one machine, and --on has several"), tr("Leave out that"), watch=watch is not None)
    _require_packages()
    from tenor.serving.limits import Limits
    from tenor.serving.options import ServerOptions
    from tenor.serving.serve import read_keys, serve

    key = os.environ.get("TENOR_API_KEY")
    use_runtime(runtime, *models)
    options = ServerOptions(
        limits=Limits(max_texts=max_texts, max_characters=max_characters, timeout_s=timeout),
        keys=(*([key] if key else []), *(read_keys(keys) if keys else ())),
        origins=tuple(origins or ()),
        hosts=(*(hosts or ()), host),
        max_batch_size=max_batch,
        batch_wait_s=batch_wait / 1000,
        queue_size=queue,
        log_texts=log_texts,
        **given(reload_interval_s=0.0 if on is not None else watch),
    )
    if on is None:
        serve(models, options, host, port, corrections)
        return
    from tenor.distributed import serving

    scaling = serving.Scaling(
        min_replicas=min_replicas,
        max_replicas=max_replicas,
        num_threads=worker_cores,
        **given(target_ongoing_requests=target_requests),
    )
    serving.serve(on, models, options, scaling, host, port, corrections)


def _require_packages() -> None:
    from tenor.errors import missing_extra

    try:
        import tenor.serving.app  # noqa: F401
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("fastapi", "httptools", "prometheus_client", "uvicorn"):
            raise
        raise missing_extra("tenor serve", "serve") from None
