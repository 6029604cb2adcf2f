"""Error responses: their statuses for the OpenAPI document, and their texts.

Each says what is wrong and what to do. None repeats what was sent, which can be long.
"""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from tenor._core.language import mark, tr
from tenor._core.records import JsonMapping, JsonObject
from tenor.serving.schemas import ErrorResponse

STATUSES = {
    400: "The body is not UTF-8 text, or the request has two headers Host or Origin.",
    401: "The key is missing or wrong.",
    403: "A web page of another site sent it, and it would change something.",
    404: "There is no such model.",
    408: "The body of the request did not come in time.",
    413: "There are too many texts or characters, or more than can be explained at once.",
    421: "The server does not know the host that the request names.",
    422: "The request is not valid.",
    500: "The server failed. Its log says why.",
    503: "Too many texts wait, or the model does not answer. Try again after the seconds in Retry-After.",
    504: "There was no answer in time.",
}

STRING_NEEDED = mark("give a string")
_PROBLEMS = {
    "bool_type": mark("give true or false"),
    "dict_type": mark("give a JSON object"),
    "extra_forbidden": mark("there is no such field; leave it out"),
    "finite_number": mark("give a finite number"),
    "float_type": mark("give a number"),
    "greater_than": mark("give a number above {gt:g}"),
    "greater_than_equal": mark("give a number of at least {ge:g}"),
    "int_from_float": mark("give a whole number"),
    "int_type": mark("give a whole number"),
    "json_invalid": mark("the JSON is not valid: {error}"),
    "less_than": mark("give a number below {lt:g}"),
    "list_type": mark("give a list"),
    "missing": mark("this field is missing; add it"),
    "model_attributes_type": mark("give a JSON object"),
    "string_type": STRING_NEEDED,
}
"""Pydantic's type of an error -> what to do, with the values of its context."""

_MAX_FAULTS = 10
_MAX_KEY = 80  # characters of the name of a field


class _Description(TypedDict):
    description: str
    model: type[BaseModel]


def error_responses(statuses: Mapping[int, str]) -> dict[int | str, JsonObject]:
    """The responses of these statuses, as FastAPI expects them for the OpenAPI document."""
    return {status: dict(_Description(description=text, model=ErrorResponse)) for status, text in statuses.items()}


def add_handlers(app: FastAPI) -> None:
    """Make an application answer every error in this form, instead of in the words of FastAPI."""

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        if error.body is not None and "json" not in request.headers.get("content-type", ""):
            return _response(422, tr("send JSON, with the header content-type: application/json."))
        return _response(422, describe_faults(error.errors()))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        problem = error.detail
        if error.status_code == 404 and problem == "Not Found":
            problem = tr("there is nothing at this path. GET /openapi.json lists the paths.")
        elif error.status_code == 405:
            problem = tr("this path does not take this method. GET /openapi.json lists the methods.")
        elif error.status_code == 400:
            problem = tr("the body is not UTF-8 text. Send JSON in UTF-8.")
        return _response(error.status_code, problem, error.headers)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        """A defect of Tenor; the server writes its traceback to the log."""
        return _response(500, tr("the server failed; its log says why."))


def describe_faults(faults: Sequence[JsonMapping]) -> str:
    """The problems that Pydantic finds in a body: where each is, and what to do.

    Args:
        faults: Errors as Pydantic lists them (`ErrorDetails`), or as FastAPI does for JSON that is not valid.
    """
    fields = [_field(fault) for fault in faults]
    lists = {field.rpartition(".")[0] for field in fields}
    # A value may have several types. The client meant the type that fits all elements except one.
    problems = [
        tr("{place}: {problem}", place=field, problem=_problem(fault))
        for field, fault in zip(fields, faults, strict=True)
        if field not in lists
    ]
    n_hidden = len(problems) - _MAX_FAULTS
    more = tr("; and {n_hidden:,} more", n_hidden=n_hidden) if n_hidden > 0 else ""
    return tr("; ").join(problems[:_MAX_FAULTS]) + more + tr(".")


def printable_key(key: str) -> str:
    """The start of the name of a field, as a response can hold it: not every string of JSON is UTF-8 text."""
    return key[:_MAX_KEY].encode("utf-8", "backslashreplace").decode()


def _problem(fault: JsonMapping) -> str:
    problem = _PROBLEMS.get(fault["type"])
    return tr(problem, **fault.get("ctx", {})) if problem else str(fault["msg"])


def _field(fault: JsonMapping) -> str:
    """`inputs.3`: the field and the numbers of elements in it, without the types that it could have had."""
    loc = fault["loc"]
    if fault["type"] == "json_invalid":
        return tr("character {loc}", loc=loc[1])
    keys = loc[1:2] + tuple(part for part in loc[2:] if isinstance(part, int))
    return ".".join(printable_key(key) if isinstance(key, str) else str(key) for key in keys) or "body"


def _response(status: int, problem: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": problem}, status, dict(headers) if headers else None)
