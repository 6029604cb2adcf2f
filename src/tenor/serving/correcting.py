"""POST /corrections: what a prediction should have been, from the page or a program into the database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field, StrictStr

from tenor.errors import TenorError
from tenor.serving.corrections import Correction, CorrectionStore, FullError, text_fault
from tenor.serving.limits import Limits, RateLimiter
from tenor.serving.refusals import STATUSES, error_responses

if TYPE_CHECKING:
    from tenor.serving.served import ServedModel

Label = StrictStr | list[StrictStr] | Annotated[float, Field(strict=True, allow_inf_nan=False)]


class CorrectionRequest(BaseModel):
    """What a prediction should have been."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[StrictStr, Field(description="The text.")]
    label: Annotated[Label, Field(description="A label, a list of labels, or a number, as the model predicts them.")]
    model: Annotated[
        str | None, Field(description="Name of the model; where there is one only it may be left out.")
    ] = None


class CorrectionResponse(BaseModel):
    """What is kept, with the text."""

    model: str
    version: str
    predicted: Annotated[str | list[str] | float, Field(description="What the model says.")]
    label: str | list[str] | float


def add_route(
    app: FastAPI,
    store: CorrectionStore,
    named: Callable[[str | None], "ServedModel"],
    predicted: Callable[["ServedModel", str], Awaitable[Any]],
    limits: Limits,
    log: Callable[[dict[str, Any]], None],
) -> None:
    """Let the app take corrections.

    Args:
        app: The app.
        store: Where they are kept.
        named: Finds a model by its name.
        predicted: Asks a model about a text: a label, a list of labels, or a number.
        limits: What one request may have, and how many corrections a minute.
        log: Hears what the database says where it takes none.
    """
    rate = RateLimiter(limits.corrections_per_minute)
    statuses = STATUSES | {
        413: "The text is too long.",
        429: "There were too many corrections. Try again after the seconds in Retry-After.",
        503: "Too many texts wait, or the database takes nothing now. Try again after the seconds in Retry-After.",
        507: "No more corrections are kept.",
    }

    @app.post("/corrections", status_code=201, responses=error_responses(statuses))
    async def correct(given: CorrectionRequest) -> CorrectionResponse:
        """Keep what a prediction should have been, with the text, for the next training run."""
        served = named(given.model)
        if len(given.text) > limits.max_correction_characters:
            raise HTTPException(
                413,
                f"the text has {len(given.text):,} characters, and may have {limits.max_correction_characters:,}.",
            )
        problem = text_fault(given.text) or served.predictor.bundle.task.label_problem(given.label)
        if problem is not None:
            raise HTTPException(422, problem)
        if wait := rate.wait():
            raise HTTPException(429, "there were too many corrections; try again.", {"Retry-After": str(wait)})
        version = served.version
        said = await predicted(served, given.text)
        kept = Correction(served.name, version, given.text, said, given.label)
        try:
            await asyncio.to_thread(store.add, kept)
        except FullError:
            raise HTTPException(507, f"{store.max_corrections:,} corrections are kept, and no more.") from None
        except TenorError as error:
            log({"event": "correction not kept", "model": served.name, "problem": error.problem})
            raise HTTPException(503, "the correction could not be kept; try again.", {"Retry-After": "5"}) from None
        return CorrectionResponse(model=served.name, version=version, predicted=said, label=given.label)
