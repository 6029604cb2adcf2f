"""The HTTP interface: one ASGI application over some models."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import Response

from tenor._core.language import tr
from tenor._core.version import VERSION
from tenor.serving import error_responses, limited_route, page
from tenor.serving.asgi import ASGIApp, Message
from tenor.serving.error_responses import STATUSES
from tenor.serving.guard import Guard
from tenor.serving.model_set import ModelSet, answered
from tenor.serving.options import ServerOptions
from tenor.serving.origins import Origins
from tenor.serving.reloading import Log
from tenor.serving.schemas import ModelInfo, PredictRequest, PredictResponse, Readiness
from tenor.serving.server_metrics import ServerMetrics

if TYPE_CHECKING:
    from tenor.data.correction_store import CorrectionStore

__all__ = ["ServerOptions", "create_app"]

_LIST_FIELDS = frozenset({"inputs", "label"})
"""Fields of requests whose values may be lists."""
_ROW_FIELDS = frozenset({"inputs", "text"})
"""Fields of requests whose values may be texts as objects of fields."""


def create_app(
    folders: Sequence[Path], options: ServerOptions, log: Log, store: "CorrectionStore | None" = None
) -> ASGIApp:
    """The application.

    Args:
        folders: Folders of the models, each with another name.
        options: How it is run.
        log: Called with every request and every change of a model.
        store: Where corrections are kept; None: the application takes none.

    Raises:
        TenorError: A folder is not a model, two have the same name, or an allowed host cannot be one.
    """
    origins = Origins(options.hosts, options.origins)
    metrics = ServerMetrics()
    models = ModelSet(folders, options, metrics.on_batch)
    metrics.read_from(models.by_name.values())
    models.log_notes(log)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with models.running(options, log, metrics.on_reload):
            yield

    app = FastAPI(
        title="Tenor", version=VERSION, lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.router.route_class = limited_route.route_class(options.limits, _LIST_FIELDS, _ROW_FIELDS)
    error_responses.add_handlers(app)
    _add_predictions(app, models, options, log)
    if store is not None:
        from tenor.serving import correction_routes

        correction_routes.add_routes(app, store, models, options.limits, log)
    _add_status(app, models, metrics, has_corrections=store is not None)
    page.add_routes(app)
    guarded = Guard(app, options.limits, options.keys, _on_response(app, metrics, log), origins)
    return _allow_origins(guarded, options.origins) if options.origins else guarded


def _add_predictions(app: FastAPI, models: ModelSet, options: ServerOptions, log: Log) -> None:
    @app.post("/predict", response_model=PredictResponse, responses=error_responses.error_responses(STATUSES))
    async def predict(request: PredictRequest) -> Response:
        """Predict labels, or numbers, of one text or several."""
        model = models.find(request.model)
        if options.log_texts:
            log({"event": "texts", "model": model.name, "inputs": request.inputs})
        # The response was made as its schema, so FastAPI need not check it again.
        content = await answered(model.predict_json(request, options.limits), model)
        return Response(content, media_type="application/json")


def _add_status(app: FastAPI, models: ModelSet, metrics: ServerMetrics, has_corrections: bool) -> None:
    @app.get("/models")
    async def list_models() -> list[ModelInfo]:
        """List the models."""
        return [model.info(has_corrections) for model in models.by_name.values()]

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        """Report whether the server runs."""
        return {"status": "live"}

    @app.get(
        "/health/ready",
        response_model_exclude_defaults=True,
        responses=error_responses.error_responses({503: "It starts or stops, or a model does not answer."}),
    )
    async def ready() -> Readiness:
        """Report whether the server takes requests and each model answers."""
        if not models.is_ready:
            raise HTTPException(503, tr("not ready."), {"Retry-After": "1"})
        if faults := models.faults():
            raise HTTPException(503, " ".join(faults), {"Retry-After": "5"})
        return Readiness(status="ready", notes=models.notes())

    @app.get("/metrics", response_class=Response)
    async def prometheus() -> Response:
        """Give metrics for Prometheus."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")


def _on_response(app: FastAPI, metrics: ServerMetrics, log: Log) -> Callable[[Message, int, float], None]:
    """Counts and logs each request, under its path if the application has it."""
    known = {route.path for route in app.routes if hasattr(route, "path")}

    def on_response(scope: Message, status: int, seconds: float) -> None:
        path = scope["path"] if scope["path"] in known else "other"
        metrics.on_response(path, status, seconds)
        spent_ms = round(1000 * seconds, 2)
        log({"event": "request", "method": scope["method"], "path": path, "status": status, "ms": spent_ms})

    return on_response


def _allow_origins(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The application, which answers CORS requests of these origins.

    This wraps the guard: a browser sends its preflight request without a key, and the page must be able to read a
    refusal.
    """
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=["Retry-After"],
    )
