"""The web page for people: three files, with headers that keep a browser from running anything else."""

from collections.abc import Awaitable, Callable
from importlib import resources

from fastapi import FastAPI, Request
from fastapi.responses import Response

_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_FILES = {
    "/": ("page.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}
"""Path -> (file, media type)."""


def add_routes(app: FastAPI) -> None:
    """Have the application serve the page."""
    for path, (name, media_type) in _FILES.items():
        content = resources.files("tenor.serving").joinpath(name).read_bytes()
        app.add_route(path, _file(content, media_type), include_in_schema=False)


def _file(content: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def send(_: Request) -> Response:
        return Response(content, media_type=media_type, headers=_HEADERS)

    return send
