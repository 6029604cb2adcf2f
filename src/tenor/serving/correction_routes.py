"""POST /corrections: the right label of a text, from the page or a program, into the database."""

import asyncio

from fastapi import FastAPI, HTTPException

from tenor._core.language import tr
from tenor.data.correction_store import Correction, CorrectionStore, StoreFullError
from tenor.errors import TenorError
from tenor.serving.corrections import text_fault
from tenor.serving.error_responses import STATUSES, error_responses
from tenor.serving.limits import Limits, RateLimiter
from tenor.serving.model_set import ModelSet, answered
from tenor.serving.reloading import Log
from tenor.serving.rows import rows_of
from tenor.serving.schemas import CorrectionRequest, CorrectionResponse, Label, PredictRequest, TextInput
from tenor.serving.served_model import ServedModel

_STATUSES = STATUSES | {
    413: "The text is too long.",
    429: "There were too many corrections. Try again after the seconds in Retry-After.",
    503: "Too many texts wait, or the database takes nothing now. Try again after the seconds in Retry-After.",
    507: "The database holds as many corrections as it may.",
}


def add_routes(app: FastAPI, store: CorrectionStore, models: ModelSet, limits: Limits, log: Log) -> None:
    """Have the application take corrections.

    Args:
        app: The application.
        store: Where corrections are kept.
        models: The models of the server.
        limits: Limits of one request, and the number of corrections in a minute.
        log: Called with what the database says if it takes no correction.
    """
    rate = RateLimiter(limits.corrections_per_minute)

    @app.post("/corrections", status_code=201, responses=error_responses(_STATUSES))
    async def correct(request: CorrectionRequest) -> CorrectionResponse:
        """Keep the right label of a text for the next training run."""
        model = models.find(request.model)
        text = rows_of(request.text, model.predictor.fields, "text").texts[0]
        _check(text, request.label, model, limits)
        if wait := rate.wait():
            raise HTTPException(429, tr("there were too many corrections; try again."), {"Retry-After": str(wait)})
        version = model.version
        predicted = await _predicted(model, request.text, limits)
        correction = Correction(
            model=model.name,
            version=version,
            text=model.predictor.fields.to_value(text),
            predicted=predicted,
            label=request.label,
        )
        try:
            await asyncio.to_thread(store.add, correction)
        except StoreFullError:
            raise HTTPException(
                507,
                tr(
                    "the database holds {max_corrections:,} corrections, its maximum.",
                    max_corrections=store.max_corrections,
                ),
            ) from None
        except TenorError as error:
            log({"event": "correction not kept", "model": model.name, "problem": error.problem})
            raise HTTPException(503, tr("the correction could not be kept; try again."), {"Retry-After": "5"}) from None
        return CorrectionResponse(model=model.name, version=version, predicted=predicted, label=request.label)


def _check(text: str, label: Label, model: ServedModel, limits: Limits) -> None:
    length, max_length = len(text), limits.max_correction_characters
    if length > max_length:
        raise HTTPException(
            413,
            tr(
                "the text has {length:,} characters, and may have {max_length:,}.", length=length, max_length=max_length
            ),
        )
    problem = text_fault(text) or model.predictor.bundle.task.label_problem(label)
    if problem is not None:
        raise HTTPException(422, problem)


async def _predicted(model: ServedModel, text: TextInput, limits: Limits) -> str | list[str] | float:
    """The prediction of the model: a label, a list of labels, or a number."""
    response = await answered(model.predict(PredictRequest(inputs=text), limits), model)
    [prediction] = response.predictions
    if not isinstance(prediction, list):
        return prediction
    labels = [scored.label for scored in prediction]
    return labels if model.predictor.bundle.task.is_multilabel else labels[0]
