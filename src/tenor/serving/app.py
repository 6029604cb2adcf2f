"""The HTTP interface: one FastAPI app over some models."""

import asyncio
import contextlib
import json
import logging
import math
import socket
import sys
import time
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from pydantic import BaseModel, ConfigDict, Field, StrictStr

from tenor import bundle, predictor
from tenor.errors import SettingsError, TenorError
from tenor.explanation.texts import explain
from tenor.predictor import Predictor
from tenor.serving.batching import Batcher, Full
from tenor.serving.connections import bounded, most_connections
from tenor.serving.limits import App, Guard, Limits, Message
from tenor.serving.refusals import STATUSES, answers, in_words
from tenor.tasks import LabelSet, Value
from tenor.version import VERSION

if TYPE_CHECKING:
    from tenor.serving.corrections import Store

_SAFE = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_BACKLOG = 4_096  # connections that wait until the server has time for them
_KINDS = {"page.html": "text/html", "page.js": "text/javascript", "page.css": "text/css"}


@dataclass(frozen=True)
class Options:
    """How a server is run.

    Attributes:
        limits: What one request may have.
        keys: Keys of which a client gives one; none: no key is needed.
        origins: Web pages that may ask (CORS); none: those of the server alone.
        most: Texts of a batch.
        wait_s: How long the first request of a batch waits for others.
        queue: Texts that may wait for a model.
        watch_s: Seconds between two looks at whether a model's folder has changed; 0: none.
        log_texts: Write the texts into the log, too.
    """

    limits: Limits = field(default_factory=Limits)
    keys: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    most: int = 256
    wait_s: float = 0.0
    queue: int = 10_000
    watch_s: float = 5.0
    log_texts: bool = False


class Question(BaseModel):
    """What is asked."""

    model_config = ConfigDict(extra="forbid", strict=True)

    inputs: Annotated[StrictStr | list[StrictStr], Field(description="One text, or several.")]
    model: Annotated[
        str | None, Field(description="Name of the model; where there is one only it may be left out.")
    ] = None
    top_k: Annotated[
        int | None, Field(ge=1, description="So many labels, the most probable first; else those that the text gets.")
    ] = None
    coverage: Annotated[
        float | None, Field(gt=0, lt=1, description="Also give sets, or intervals, that hold the truth this often.")
    ] = None
    explain: Annotated[bool, Field(description="Also say which words speak for and against the labels.")] = False


class Scored(BaseModel):
    """A label and its calibrated probability."""

    label: str
    score: float


class Answer(BaseModel):
    """What is said: a list with an element for each text."""

    model: str
    predictions: Annotated[list[list[Scored]] | list[float], Field(description="Labels, or numbers.")]
    sets: list[list[str]] | None = None
    intervals: list[tuple[float | None, float | None]] | None = None
    explanations: list[dict[str, Any]] | None = None


class About(BaseModel):
    """A model."""

    name: str
    version: Annotated[str, Field(description="Changes when another model is put into the folder.")]
    family: str
    task: str
    labels: list[str]
    coverage: Annotated[bool, Field(description="Whether it can give sets or intervals.")]
    corrections: Annotated[bool, Field(description="Whether the server keeps corrections.")]
    trained: dict[str, Any]


class Served:
    """One model in its folder."""

    def __init__(self, folder: Path, options: Options, told: Callable[[int], None]) -> None:
        self.folder, self.name = folder, folder.resolve().name
        self.version = bundle.version(folder)
        self.predictor = _warm(folder)
        self.batcher = Batcher(options.most, options.wait_s, options.queue, told)

    def reload(self) -> bool:
        """Read the folder again where it has changed; whether it had. The old model is kept where that fails."""
        version = bundle.version(self.folder)
        if version == self.version:
            return False
        self.predictor, self.version = _warm(self.folder), version
        return True

    def about(self, corrections: bool) -> About:
        saved = self.predictor.bundle
        return About(
            name=self.name,
            version=self.version,
            family=saved.family.name,
            task=saved.task.kind,
            labels=list(saved.task.labels),
            coverage=saved.conformal is not None,
            corrections=corrections,
            trained={key: saved.about[key] for key in ("data", "seed", "versions") if key in saved.about},
        )

    async def answer(self, question: Question, limits: Limits) -> Answer:
        texts = [question.inputs] if isinstance(question.inputs, str) else question.inputs
        _hold(texts, question.explain, limits)
        model = self.predictor  # the one that is there now, should another take its place
        task = model.bundle.task
        if question.coverage is not None:
            model.promise(question.coverage)
        logits = await self.batcher.submit(model.raw_logits, texts) if texts else model.raw_logits([])
        answer = Answer(model=self.name, predictions=[])
        if isinstance(task, Value):
            if question.top_k is not None:
                raise SettingsError("top_k is for labels, and the model predicts numbers.", "Leave it out.")
            answer.predictions = task.values(logits).tolist()
            if question.coverage is not None:
                ends = model.intervals(logits, question.coverage).tolist()
                answer.intervals = [(_finite(low), _finite(high)) for low, high in ends]
        else:
            probabilities = task.probabilities(model.calibrated(logits))
            chosen = model.chosen(probabilities) if question.top_k is None else probabilities >= 0
            scored = model.scored(chosen, probabilities)
            answer.predictions = [
                [Scored(label=label, score=score) for label, score in row[: question.top_k]] for row in scored
            ]
            if question.coverage is not None:
                sets = model.scored(model.sets(logits, question.coverage), probabilities)
                answer.sets = [[label for label, _ in row] for row in sets]
        if question.explain:
            found = await self.batcher.beside(lambda: explain(model, texts))
            answer.explanations = [each.as_dict() for each in found]
        return answer


def make(
    folders: list[Path], options: Options, log: Callable[[dict[str, Any]], None], store: "Store | None" = None
) -> App:
    """The app.

    Args:
        folders: Folders of the models, each with another name.
        options: How it is run.
        log: Hears of every request and every change of a model.
        store: Where corrections are kept; None: none are taken.

    Raises:
        TenorError: A folder is no model, or two have the same name.
    """
    registry = CollectorRegistry()
    requests = Counter("tenor_requests", "Requests answered.", ["path", "status"], registry=registry)
    seconds = Histogram("tenor_request_seconds", "Time to the answer.", ["path"], registry=registry)
    sizes = Histogram(
        "tenor_batch_texts", "Texts of a batch.", registry=registry, buckets=[1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    )
    waiting = Gauge("tenor_queued_texts", "Texts that wait.", ["model"], registry=registry)
    models = {served.name: served for served in (Served(folder, options, sizes.observe) for folder in folders)}
    if len(models) < len(folders):
        names = [folder.resolve().name for folder in folders]
        twice = next(name for name in names if names.count(name) > 1)
        raise SettingsError(f"two models have the same name: {twice}.", "Rename the folder of one.")
    for name, served in models.items():
        waiting.labels(name).set_function(partial(getattr, served.batcher, "queued"))

    @contextlib.asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        work = [asyncio.create_task(served.batcher.run()) for served in models.values()]
        if options.watch_s:
            work.append(asyncio.create_task(_watch(models, options.watch_s, log)))
        app.state.ready = True
        yield
        app.state.ready = False
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)

    app = FastAPI(
        title="Tenor", version=VERSION, lifespan=running, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.state.ready = False

    def named(name: str | None) -> Served:
        if name is None and len(models) > 1:
            raise HTTPException(422, f"name one of the models: {', '.join(models)}.")
        served = next(iter(models.values())) if name is None else models.get(name)
        if served is None:
            raise HTTPException(404, f"there is no model {name!r}; there are: {', '.join(models)}.")
        return served

    async def answered(served: Served, question: Question) -> Answer:
        try:
            return await served.answer(question, options.limits)
        except Full:
            raise HTTPException(503, "too many texts wait; try again.", {"Retry-After": "1"}) from None
        except TenorError as error:
            raise HTTPException(422, f"{error.problem} {error.remedy}") from None

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        kind = request.headers.get("content-type", "")
        if error.body is not None and "json" not in kind:
            return JSONResponse({"detail": "send JSON, with the header content-type: application/json."}, 422)
        return JSONResponse({"detail": in_words(error.errors())}, 422)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        """Of a fault of ours; its traceback goes into the log."""
        return JSONResponse({"detail": "the server failed; its log says why."}, 500)

    @app.post("/predict", response_model=Answer, responses=answers(STATUSES))
    async def predict(question: Question) -> Response:
        """Labels, or numbers, of one text or several."""
        served = named(question.model)
        if options.log_texts:
            log({"event": "texts", "model": served.name, "inputs": question.inputs})
        answer = await answered(served, question)
        # Made here, it is not checked once more on its way out.
        return Response(answer.model_dump_json(exclude_none=True), media_type="application/json")

    if store is not None:
        from tenor.serving import correcting

        async def predicted(served: Served, text: str) -> Any:
            [said] = (await answered(served, Question(inputs=text))).predictions
            if not isinstance(said, list):
                return said
            labels = [each.label for each in said]
            return labels if isinstance(served.predictor.bundle.task, LabelSet) else labels[0]

        correcting.add_route(app, store, named, predicted, options.limits, log)

    @app.get("/models")
    async def listing() -> list[About]:
        """The models."""
        return [served.about(store is not None) for served in models.values()]

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        """Whether the server runs."""
        return {"status": "live"}

    @app.get("/health/ready", responses=answers({503: "It starts or ends."}))
    async def ready() -> dict[str, str]:
        """Whether the server takes requests."""
        if not app.state.ready:
            raise HTTPException(503, "not ready.", {"Retry-After": "1"})
        return {"status": "ready"}

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

    guarded = Guard(app, options.limits, options.keys, told)
    if not options.origins:
        return guarded
    # Outside of the guard: a browser asks without a key whether it may ask, and refusals are for its page, too.
    return cast(
        App,
        CORSMiddleware(
            cast(Any, guarded),
            allow_origins=options.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["Retry-After"],
        ),
    )


def _without_arguments(answer: Callable[[], Any]) -> Callable[[Any], Any]:
    async def called(_: Any) -> Any:
        return await answer()

    return called


async def _watch(models: Mapping[str, Served], every_s: float, log: Callable[[dict[str, Any]], None]) -> None:
    """Put a new model in the place of the old one where its folder has changed. What is asked meanwhile is answered."""
    failed: dict[str, str] = {}
    while True:
        await asyncio.sleep(every_s)
        for name, served in models.items():
            try:
                if await asyncio.to_thread(served.reload):
                    log({"event": "reloaded", "model": name, "version": served.version})
            except (TenorError, OSError) as error:
                if failed.get(name) != str(error):
                    failed[name] = str(error)
                    log({"event": "not reloaded", "model": name, "problem": str(error)})


def _warm(folder: Path) -> Predictor:
    """The model, after a first prediction, which is slow."""
    loaded = predictor.load(folder)
    loaded.raw_logits(["a text"])
    return loaded


def _hold(texts: list[str], explained: bool, limits: Limits) -> None:
    """Refuse more than is allowed, with 413."""
    characters = sum(map(len, texts))
    for kind, found, most in (("texts", len(texts), limits.texts), ("characters", characters, limits.characters)):
        if found > most:
            raise HTTPException(413, f"there are {found:,} {kind}, and a request may have {most:,}.")
    if explained and len(texts) > limits.explained:
        raise HTTPException(413, f"there are {len(texts):,} texts, and {limits.explained} can be explained at once.")


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None


def log_line(event: dict[str, Any]) -> None:
    """Write an event to standard error as a line of JSON."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = json.dumps({"time": stamp, **event}, ensure_ascii=False)
    with contextlib.suppress(OSError):  # who reads the log may end before the server does
        sys.stderr.write(line.encode("utf-8", "backslashreplace").decode() + "\n")


class _Lines(logging.Handler):
    """What the server below says, as lines of the log."""

    def emit(self, record: logging.LogRecord) -> None:
        event = {"event": "server", "level": record.levelname.lower(), "message": record.getMessage().strip()}
        if record.exc_info:
            event["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        log_line(event)


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises SettingsError where that cannot be."""
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(_BACKLOG)  # from now on nobody is turned away
    except (OSError, OverflowError) as error:
        found.close()
        raise SettingsError(
            f"{host}, port {port}: this cannot be listened on: {error}.",
            "Choose another --port or --host.",
        ) from None
    return found


def tell(host: str, port: int) -> None:
    """Say where it listens."""
    sys.stderr.write(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}\n")
    sys.stderr.flush()


def run(made: App, options: Options, host: str, port: int) -> None:
    """Bind, say where, and serve until SIGTERM or Ctrl-C; what was accepted is answered first.

    Args:
        made: What `make` gave.
        options: How it is run.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Raises:
        SettingsError: The address cannot be listened on.
    """
    logger = logging.getLogger("uvicorn.error")
    logger.handlers, logger.propagate = [_Lines(logging.WARNING)], False
    seconds = options.limits.seconds
    server = uvicorn.Server(
        uvicorn.Config(
            cast(Any, made),
            http=bounded(seconds, most_connections()),
            ws="none",
            backlog=_BACKLOG,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,  # longer than what stands in front keeps its connections, as a minute is usual
            timeout_graceful_shutdown=math.ceil(seconds) + 1,
        )
    )
    found = bound(host, port)
    tell(*found.getsockname()[:2])
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[found])
    found.close()
