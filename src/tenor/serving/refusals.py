"""Why a request is not answered, by status: for the OpenAPI document."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field

STATUSES = {
    400: "The body is no text in UTF-8.",
    401: "The key is missing or wrong.",
    404: "There is no such model.",
    408: "The body of the request did not come in time.",
    413: "There are too many texts or characters.",
    422: "The question makes no sense.",
    503: "Too many texts wait. Try again after the seconds in Retry-After.",
    504: "There was no answer in time.",
}


class Refused(BaseModel):
    """What a refused request is told."""

    detail: Annotated[str | list[dict[str, Any]], Field(description="In words; or the places of what is wrong.")]


def answers(statuses: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """The answers of these statuses, as FastAPI describes them."""
    return {status: {"description": text, "model": Refused} for status, text in statuses.items()}
