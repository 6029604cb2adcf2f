"""One model in its folder: asked about texts, and exchanged for a new version."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import HTTPException

from tenor.errors import SettingsError
from tenor.explanation.texts import explain
from tenor.inference import bundle
from tenor.inference.predictor import Predictor
from tenor.serving import trial
from tenor.serving.batching import Batcher, ModelError
from tenor.serving.limits import Limits
from tenor.serving.schemas import ModelInfo, PredictRequest, PredictResponse, ScoredLabel, ServerOptions, to_json
from tenor.tasks import Floats

_PATIENCE = 2
"""A prediction that takes so many times as long as a request may is held to be stuck."""
_AT_ONCE = 1_000
"""Probabilities of an answer that is made on the event loop; a larger one is made beside it."""


class ServedModel:
    """One model in its folder.

    Attributes:
        folder: The folder.
        name: The folder's name.
        predictor: The model.
        batcher: What stands in front of it.
        refused: The version in the folder that was not taken; None: there is none.
    """

    def __init__(self, folder: Path, options: ServerOptions, on_batch: Callable[[int], None]) -> None:
        self.folder, self.name = folder, folder.resolve().name
        self.predictor = trial.load_warmed(folder)
        self.refused: str | None = None
        patience = _PATIENCE * options.limits.timeout_s
        self._front = partial(
            Batcher, options.max_batch_size, options.batch_wait_s, options.queue_size, on_batch, patience
        )
        self.batcher = self._front()
        self._loader = ThreadPoolExecutor(1, "load")  # one thread for all versions: their memory is used again
        self._work: asyncio.Task[None] | None = None

    @property
    def version(self) -> str:
        """The version that answers."""
        return bundle.short_version(self.predictor.bundle.digest)

    def start(self) -> None:
        """Answer from now on."""
        self._work = asyncio.create_task(self.batcher.run())

    async def stop(self) -> None:
        """Answer no more."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    def fault(self) -> str | None:
        """Why it does not answer; None: it does."""
        return self.batcher.fault()

    def notes(self) -> list[str]:
        """What should be known of it, for those who look after the server. Each is a sentence without a path."""
        notes = list(self.predictor.bundle.notes)
        if self.refused is not None:
            notes.append("a new version in its folder was refused; the log says why.")
        return notes

    async def reload(self, digest: str, seconds: float) -> None:
        """Load the version that was tried, and answer with it.

        Args:
            digest: Its digest.
            seconds: How long this may take. A model that takes longer is left alone in its thread.

        Raises:
            TimeoutError: It takes longer.
            TenorError: The folder holds another one now, or it cannot be loaded.
        """
        load = partial(trial.load_warmed, self.folder, digest)
        try:
            async with asyncio.timeout(seconds):
                found = await asyncio.get_running_loop().run_in_executor(self._loader, load)
        except TimeoutError:
            self._loader.shutdown(wait=False)
            self._loader = ThreadPoolExecutor(1, "load")
            raise
        self.predictor, self.refused = found, None
        if self.batcher.fault():  # the old version holds its thread, maybe for ever
            await self.stop()
            self.batcher = self._front()
            self.start()

    def info(self, corrections: bool) -> ModelInfo:
        """What `GET /models` says of it."""
        saved = self.predictor.bundle
        return ModelInfo(
            name=self.name,
            version=self.version,
            family=saved.family.name,
            task=saved.task.kind,
            labels=list(saved.task.labels),
            coverage=saved.conformal is not None,
            corrections=corrections,
            notes=self.notes(),
            trained={key: saved.metadata[key] for key in ("data", "seed", "versions") if key in saved.metadata},
        )

    async def predict(self, question: PredictRequest, limits: Limits) -> PredictResponse:
        """What the model says of texts.

        Raises:
            TenorError: It cannot say what is asked for.
            HTTPException: More texts or characters are to be explained than may be.
            Full: Too much waits for the model.
            Stuck: The model does not answer.
        """
        texts = [question.inputs] if isinstance(question.inputs, str) else question.inputs
        if question.explain:
            _check_explained(texts, limits)
        model = self.predictor  # the one that is there now, should another take its place
        if question.coverage is not None:
            model.check_coverage(question.coverage)
        logits = await self.batcher.submit(model.raw_logits, texts)
        if logits.size <= _AT_ONCE:
            answer = self._answer(model, question, logits)
        else:
            answer = await asyncio.to_thread(self._answer, model, question, logits)
        if question.explain:
            explained = partial(_explained, model, texts)
            answer.explanations = await self.batcher.run_aside(explained)
        return answer

    async def predict_json(self, question: PredictRequest, limits: Limits) -> bytes:
        """What `answer` gives, as JSON."""
        answer = await self.predict(question, limits)
        if answer.explanations is None and len(answer.predictions) * len(self.predictor.bundle.task.labels) <= _AT_ONCE:
            return to_json(answer)
        return await asyncio.to_thread(to_json, answer)

    def _answer(self, model: Predictor, question: PredictRequest, logits: Floats) -> PredictResponse:
        task = model.bundle.task
        answer = PredictResponse(model=self.name, predictions=[])
        if not task.has_labels:
            if question.top_k is not None:
                raise SettingsError("top_k is for labels, and the model predicts numbers.", "Leave it out.")
            answer.predictions = _finite(task.scores(logits)[:, 0]).tolist()
            if question.coverage is not None:
                ends = model.prediction_intervals(logits, question.coverage).tolist()
                answer.intervals = [(_or_none(low), _or_none(high)) for low, high in ends]
            return answer
        probabilities = _finite(task.probabilities(model.calibrate(logits)))
        chosen = model.assigned_labels(probabilities) if question.top_k is None else probabilities >= 0
        scored = model.rank_labels(chosen, probabilities)
        answer.predictions = [
            [ScoredLabel(label=label, score=score) for label, score in row[: question.top_k]] for row in scored
        ]
        if question.coverage is not None:
            sets = model.rank_labels(model.prediction_sets(logits, question.coverage), probabilities)
            answer.sets = [[label for label, _ in row] for row in sets]
        return answer


def _check_explained(texts: list[str], limits: Limits) -> None:
    """Refuse what takes too long to explain: nothing ends an explanation that has begun."""
    if len(texts) > limits.max_explained_texts:
        raise HTTPException(
            413, f"{limits.max_explained_texts} texts can be explained at once, and there are {len(texts):,}."
        )
    characters = sum(map(len, texts))
    if characters > limits.max_explained_characters:
        raise HTTPException(
            413,
            f"texts of {limits.max_explained_characters:,} characters in all can be explained at once, and these have "
            f"{characters:,}. Send fewer, or without explain.",
        )


def _explained(model: Predictor, texts: list[str]) -> list[dict[str, Any]]:
    return [each.as_dict() for each in explain(model, texts)]


def _finite(values: Floats) -> Floats:
    """The values, which JSON has words for if they are finite alone."""
    if not np.isfinite(values).all():
        raise ModelError("the model says of a text what is no finite number.")
    return values


def _or_none(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
