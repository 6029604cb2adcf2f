"""One model on a server: it predicts, and a new version takes its place."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from fastapi import HTTPException

from tenor._core.language import tr
from tenor._core.records import JsonMapping, JsonObject
from tenor.errors import SettingsError
from tenor.explanation.texts import explain
from tenor.inference import bundle
from tenor.inference.predictor import Predictor
from tenor.serving import trial
from tenor.serving.batching import Batcher, ModelError
from tenor.serving.limits import Limits
from tenor.serving.options import ServerOptions
from tenor.serving.rows import rows_of
from tenor.serving.schemas import FieldInfo, ModelInfo, PredictRequest, PredictResponse, ScoredLabel
from tenor.tasks import Floats

_STUCK_AFTER = 2
"""A prediction that takes this many times the timeout of a request counts as stuck."""
_INLINE = 1_000
"""Probabilities of a response that is made on the event loop; a larger one is made in a thread."""


class ServedModel:
    """One model in its folder.

    Attributes:
        folder: The folder.
        name: The folder's name.
        predictor: The model.
        batcher: The queue in front of it.
        refused: The version in the folder that was refused; None: there is none.
    """

    def __init__(self, folder: Path, options: ServerOptions, on_batch: Callable[[int], None]) -> None:
        """Load the model.

        Args:
            folder: Its folder.
            options: How the server is run.
            on_batch: Called with the number of texts of each batch.

        Raises:
            TenorError: The folder is not a model, or the model does not work.
        """
        self.folder, self.name = folder, folder.resolve().name
        self.predictor = trial.load_warmed(folder)
        self.refused: str | None = None
        self._new_batcher = partial(
            Batcher,
            options.max_batch_size,
            options.batch_wait_s,
            options.queue_size,
            on_batch,
            _STUCK_AFTER * options.limits.timeout_s,
        )
        self.batcher = self._new_batcher()
        self._loader = ThreadPoolExecutor(1, "load")  # one thread for all versions: their memory is used again
        self._batches: asyncio.Task[None] | None = None

    @property
    def version(self) -> str:
        """The version that predicts now."""
        return bundle.short_version(self.predictor.bundle.digest)

    def start(self) -> None:
        """Start to answer requests."""
        self._batches = asyncio.create_task(self.batcher.run())

    async def stop(self) -> None:
        """Stop answering requests."""
        if self._batches is not None:
            self._batches.cancel()
            await asyncio.gather(self._batches, return_exceptions=True)

    def fault(self) -> str | None:
        """Why the model does not answer; None: it answers."""
        return self.batcher.fault()

    def notes(self) -> list[str]:
        """Notes for the operator of the server. Each is a sentence without a path."""
        notes = list(self.predictor.bundle.notes)
        if self.refused is not None:
            notes.append(tr("a new version in its folder was refused; the log says why."))
        return notes

    async def reload(self, digest: str, timeout_s: float) -> None:
        """Load the version that was tried, and predict with it from now on.

        Args:
            digest: Its digest.
            timeout_s: Seconds that this may take. A model that takes longer is abandoned in its thread.

        Raises:
            TimeoutError: It takes longer.
            TenorError: The folder holds another version now, or it cannot be loaded.
        """
        load = partial(trial.load_warmed, self.folder, digest)
        try:
            async with asyncio.timeout(timeout_s):
                predictor = await asyncio.get_running_loop().run_in_executor(self._loader, load)
        except TimeoutError:
            self._loader.shutdown(wait=False)
            self._loader = ThreadPoolExecutor(1, "load")
            raise
        self.predictor, self.refused = predictor, None
        if self.batcher.fault():  # the old version holds its thread, maybe forever
            await self.stop()
            self.batcher = self._new_batcher()
            self.start()

    def info(self, corrections: bool) -> ModelInfo:
        """The model's entry in `GET /models`; `corrections` says whether the server keeps them."""
        saved = self.predictor.bundle
        return ModelInfo(
            name=self.name,
            version=self.version,
            family=saved.family.name,
            task=saved.task.kind,
            labels=list(saved.task.labels),
            fields=[]
            if saved.fields.is_single_text
            else [FieldInfo(name=each.name, kind=each.kind) for each in saved.fields.columns],
            coverage=saved.conformal is not None,
            corrections=corrections,
            notes=self.notes(),
            trained=_origin(saved.metadata),
        )

    async def predict(self, request: PredictRequest, limits: Limits) -> PredictResponse:
        """Predict the texts of a request.

        Raises:
            TenorError: The model cannot do what the request asks for.
            HTTPException: There are more texts or characters to explain than `limits` allows.
            QueueFullError: Too much waits for the model.
            ModelStuckError: The model does not answer.
        """
        predictor = self.predictor  # the whole response comes from this version, even if another one replaces it
        if predictor.fields.is_single_text or not isinstance(request.inputs, list):
            rows = rows_of(request.inputs, predictor.fields)
        else:
            rows = await asyncio.to_thread(rows_of, request.inputs, predictor.fields)
        texts = rows.texts
        if request.explain:
            _check_explained(texts, limits)
        if request.coverage is not None:
            predictor.check_coverage(request.coverage)
        logits = await self.batcher.submit(predictor.raw_logits, texts)
        if logits.size <= _INLINE:
            response = self._response(predictor, request, logits)
        else:
            response = await asyncio.to_thread(self._response, predictor, request, logits)
        response.missing_fields = dict(rows.missing) or None
        if request.explain:
            response.explanations = await self.batcher.run_aside(partial(_explanations, predictor, texts))
        return response

    async def predict_json(self, request: PredictRequest, limits: Limits) -> bytes:
        """The response of `predict` as JSON."""
        response = await self.predict(request, limits)
        size = len(response.predictions) * len(self.predictor.bundle.task.labels)
        if response.explanations is None and size <= _INLINE:
            return response.to_json()
        return await asyncio.to_thread(response.to_json)

    def _response(self, predictor: Predictor, request: PredictRequest, logits: Floats) -> PredictResponse:
        """The response from logits, (texts, outputs)."""
        task = predictor.bundle.task
        response = PredictResponse(model=self.name, predictions=[])
        if not task.has_labels:
            if request.top_k is not None:
                raise SettingsError(tr("top_k is for labels, and the model predicts numbers."), tr("Leave it out."))
            response.predictions = _finite(task.scores(logits)[:, 0]).tolist()
            if request.coverage is not None:
                ends = predictor.prediction_intervals(logits, request.coverage).tolist()
                response.intervals = [(_none_if_infinite(low), _none_if_infinite(high)) for low, high in ends]
            return response
        probabilities = _finite(task.probabilities(predictor.calibrate(logits)))
        chosen = predictor.assigned_labels(probabilities) if request.top_k is None else probabilities >= 0
        ranked = predictor.rank_labels(chosen, probabilities)
        response.predictions = [
            [ScoredLabel(label=label, score=score) for label, score in row[: request.top_k]] for row in ranked
        ]
        if request.coverage is not None:
            sets = predictor.rank_labels(predictor.prediction_sets(logits, request.coverage), probabilities)
            response.sets = [[label for label, _ in row] for row in sets]
        return response


def _origin(metadata: JsonMapping) -> JsonObject:
    """The origin of a model for clients: not the filter of its training texts, which is for its owner."""
    origin = {key: metadata[key] for key in ("data", "seed", "versions") if key in metadata}
    if isinstance(data := origin.get("data"), Mapping):
        origin["data"] = {key: value for key, value in data.items() if key != "filter"}
    return origin


def _check_explained(texts: list[str], limits: Limits) -> None:
    """Refuse a text that takes too long to explain: an explanation that has started cannot be stopped."""
    if len(texts) > limits.max_explained_texts:
        raise HTTPException(
            413,
            tr(
                "{max_explained_texts} texts can be explained at once, and there are {n_texts:,}.",
                max_explained_texts=limits.max_explained_texts,
                n_texts=len(texts),
            ),
        )
    characters = sum(map(len, texts))
    if characters > limits.max_explained_characters:
        raise HTTPException(
            413,
            tr(
                "texts of {max_explained_characters:,} characters in all can be explained at once, and "
                "these have {characters:,}. Send fewer, or without explain.",
                max_explained_characters=limits.max_explained_characters,
                characters=characters,
            ),
        )


def _explanations(predictor: Predictor, texts: list[str]) -> list[JsonObject]:
    return [each.as_dict() for each in explain(predictor, texts)]


def _finite(values: Floats) -> Floats:
    """The values, if JSON can hold them. Raises ModelError if one is not finite."""
    if not np.isfinite(values).all():
        raise ModelError(tr("the model predicted a number that is not finite."))
    return values


def _none_if_infinite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
