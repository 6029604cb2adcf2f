"""The HTTP interface: one FastAPI app over some models."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from tenor._core.version import VERSION
from tenor.errors import SettingsError, TenorError
from tenor.serving import bodies, reloading
from tenor.serving.batching import ModelStuckError, QueueFullError
from tenor.serving.limits import ASGIApp, Guard, Message
from tenor.serving.origins import Origins
from tenor.serving.refusals import STATUSES, describe_faults, error_responses
from tenor.serving.schemas import ModelInfo, PredictRequest, PredictResponse, Readiness, ServerOptions
from tenor.serving.served import ServedModel

if TYPE_CHECKING:
    from tenor.serving.corrections import CorrectionStore

Result = TypeVar("Result")

__all__ = ["ServedModel", "ServerOptions", "create_app"]

_SAFE = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_KINDS = {"page.html": "text/html", "page.js": "text/javascript", "page.css": "text/css"}


def create_app(
    folders: list[Path],
    options: ServerOptions,
    log: Callable[[dict[str, Any]], None],
    store: "CorrectionStore | None" = None,
) -> ASGIApp:
    """The app.

    Args:
        folders: Folders of the models, each with another name.
        options: How it is run.
        log: Hears of every request and every change of a model.
        store: Where corrections are kept; None: none are taken.

    Raises:
        TenorError: A folder is no model, two have the same name, or a host that is allowed can be none.
    """
    origins = Origins(options.hosts, options.origins)
    registry = CollectorRegistry()
    requests = Counter("tenor_requests", "Requests answered.", ["path", "status"], registry=registry)
    seconds = Histogram("tenor_request_seconds", "Time to the answer.", ["path"], registry=registry)
    sizes = Histogram(
        "tenor_batch_texts", "Texts of a batch.", registry=registry, buckets=[1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    )
    waiting = Gauge("tenor_queued_texts", "Texts that wait.", ["model"], registry=registry)
    answering = Gauge("tenor_model_answers", "Whether the model answers: 1, or 0.", ["model"], registry=registry)
    notes = Gauge("tenor_model_notes", "Notes on the model, as GET /models has them.", ["model"], registry=registry)
    reloads = Counter("tenor_reloads", "New versions, taken or refused.", ["model", "outcome"], registry=registry)
    models = {served.name: served for served in (ServedModel(folder, options, sizes.observe) for folder in folders)}
    if len(models) < len(folders):
        names = [folder.resolve().name for folder in folders]
        twice = next(name for name in names if names.count(name) > 1)
        raise SettingsError(f"two models have the same name: {twice}.", "Rename the folder of one.")
    for name, served in models.items():
        waiting.labels(name).set_function(partial(_queued, served))
        answering.labels(name).set_function(partial(_answers, served))
        notes.labels(name).set_function(partial(_noted, served))
        reloading.log_notes(served, log)

    def reloaded(name: str, outcome: str) -> None:
        reloads.labels(name, outcome).inc()

    @contextlib.asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        watches = []
        for served in models.values():
            served.start()
            if options.reload_interval_s:
                looking = reloading.watch(served, options.reload_interval_s, options.trial_timeout_s, log, reloaded)
                watches.append(asyncio.create_task(looking))
        app.state.ready = True
        yield
        app.state.ready = False
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        for served in models.values():
            await served.stop()

    app = FastAPI(
        title="Tenor", version=VERSION, lifespan=running, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.state.ready = False
    app.router.route_class = bodies.limited_route(options.limits, frozenset({"inputs", "label"}))

    def named(name: str | None) -> ServedModel:
        if name is None and len(models) > 1:
            raise HTTPException(422, f"name one of the models: {', '.join(models)}.")
        served = next(iter(models.values())) if name is None else models.get(name)
        if served is None:
            raise HTTPException(404, f"there is no model {name!r}; there are: {', '.join(models)}.")
        return served

    async def answered(answer: Awaitable[Result], served: ServedModel) -> Result:
        try:
            return await answer
        except QueueFullError:
            raise HTTPException(503, "too many texts wait; try again.", {"Retry-After": "1"}) from None
        except ModelStuckError as problem:
            raise HTTPException(503, f"{served.name} does not answer: {problem}", {"Retry-After": "5"}) from None
        except TenorError as error:
            raise HTTPException(422, f"{error.problem} {error.remedy}") from None

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        kind = request.headers.get("content-type", "")
        if error.body is not None and "json" not in kind:
            return JSONResponse({"detail": "send JSON, with the header content-type: application/json."}, 422)
        return JSONResponse({"detail": describe_faults(error.errors())}, 422)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        """Of a fault of ours; its traceback goes into the log."""
        return JSONResponse({"detail": "the server failed; its log says why."}, 500)

    @app.post("/predict", response_model=PredictResponse, responses=error_responses(STATUSES))
    async def predict(question: PredictRequest) -> Response:
        """Labels, or numbers, of one text or several."""
        served = named(question.model)
        if options.log_texts:
            log({"event": "texts", "model": served.name, "inputs": question.inputs})
        # Made there, it is not checked once more on its way out.
        content = await answered(served.predict_json(question, options.limits), served)
        return Response(content, media_type="application/json")

    if store is not None:
        from tenor.serving import correcting

        async def predicted(served: ServedModel, text: str) -> Any:
            answer = await answered(served.predict(PredictRequest(inputs=text), options.limits), served)
            [said] = answer.predictions
            if not isinstance(said, list):
                return said
            labels = [each.label for each in said]
            return labels if served.predictor.bundle.task.is_multilabel else labels[0]

        correcting.add_route(app, store, named, predicted, options.limits, log)

    @app.get("/models")
    async def listing() -> list[ModelInfo]:
        """The models."""
        return [served.info(store is not None) for served in models.values()]

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        """Whether the server runs."""
        return {"status": "live"}

    @app.get(
        "/health/ready",
        response_model_exclude_defaults=True,
        responses=error_responses({503: "It starts or ends, or a model does not answer."}),
    )
    async def ready() -> Readiness:
        """Whether the server takes requests, and each model answers."""
        if not app.state.ready:
            raise HTTPException(503, "not ready.", {"Retry-After": "1"})
        faults = [f"{name} does not answer: {fault}" for name, served in models.items() if (fault := served.fault())]
        if faults:
            raise HTTPException(503, " ".join(faults), {"Retry-After": "5"})
        return Readiness(
            status="ready", notes={name: told for name, served in models.items() if (told := served.notes())}
        )

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Figures for Prometheus."""
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")

    for path, name in {"/": "page.html", "/page.js": "page.js", "/page.css": "page.css"}.items():
        content = resources.files("tenor.serving").joinpath(name).read_bytes()

        async def file(content: bytes = content, kind: str = _KINDS[name]) -> Response:
            return Response(content, media_type=kind, headers=_SAFE)

        app.add_route(path, _without_arguments(file), include_in_schema=False)

    known = {route.path for route in app.routes if hasattr(route, "path")}

    def told(scope: Message, status: int, spent: float) -> None:
        path = scope["path"] if scope["path"] in known else "other"
        requests.labels(path, status).inc()
        seconds.labels(path).observe(spent)
        log(
            {
                "event": "request",
                "method": scope["method"],
                "path": path,
                "status": status,
                "ms": round(1000 * spent, 2),
            }
        )

    guarded = Guard(app, options.limits, options.keys, told, origins)
    if not options.origins:
        return guarded
    # Outside of the guard: a browser asks without a key whether it may ask, and refusals are for its page, too.
    return cast(
        ASGIApp,
        CORSMiddleware(
            cast(Any, guarded),
            allow_origins=options.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["Retry-After"],
        ),
    )


def _queued(served: ServedModel) -> int:
    return served.batcher.queued


def _answers(served: ServedModel) -> int:
    return served.fault() is None


def _noted(served: ServedModel) -> int:
    return len(served.notes())


def _without_arguments(answer: Callable[[], Any]) -> Callable[[Any], Any]:
    async def called(_: Any) -> Any:
        return await answer()

    return called
