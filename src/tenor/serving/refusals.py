"""Why a request is not answered: by status, for the OpenAPI document, and in words, for who asked."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field

STATUSES = {
    400: "The body is no text in UTF-8, or the request has two headers Host or Origin.",
    401: "The key is missing or wrong.",
    403: "A web page of another site sent it, and it would change something.",
    404: "There is no such model.",
    408: "The body of the request did not come in time.",
    413: "There are too many texts or characters, or more than can be explained at once.",
    421: "The host that it names is none of the server's.",
    422: "The question makes no sense.",
    500: "The server failed. Its log says why.",
    503: "Too many texts wait, or the model does not answer. Try again after the seconds in Retry-After.",
    504: "There was no answer in time.",
}


class ErrorResponse(BaseModel):
    """What a refused request is told."""

    detail: Annotated[str, Field(description="What is wrong, in words.")]


_FAULTS = 10  # that are told
_LONGEST = 80  # characters of the name of a key


def describe_faults(faults: Sequence[Any]) -> str:
    """What pydantic finds wrong with a body: where and what, and not what was sent, which can be long."""
    places = [_place(fault) for fault in faults]
    lists = {place.rpartition(".")[0] for place in places}
    # Of the types that a value could have, the one that fits but for an element tells the fault.
    kept = [(place, fault["msg"]) for place, fault in zip(places, faults, strict=True) if place not in lists]
    told = "; ".join(f"{place}: {message}" for place, message in kept[:_FAULTS])
    return told + (f"; and {len(kept) - _FAULTS:,} more" if len(kept) > _FAULTS else "") + "."


def _place(fault: Any) -> str:
    """`inputs.3`: the key, and the numbers of elements in it; the types that it could have had say little."""
    loc = fault["loc"]
    if fault["type"] == "json_invalid":
        return f"character {loc[1]}"
    keys = loc[1:2] + tuple(part for part in loc[2:] if isinstance(part, int))
    return ".".join(printable_key(key) if isinstance(key, str) else str(key) for key in keys) or "body"


def printable_key(key: str) -> str:
    """The beginning of the name of a key, as an answer can hold it: not each string of JSON is text in UTF-8."""
    return key[:_LONGEST].encode("utf-8", "backslashreplace").decode()


def error_responses(statuses: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """The answers of these statuses, as FastAPI describes them."""
    return {status: {"description": text, "model": ErrorResponse} for status, text in statuses.items()}
