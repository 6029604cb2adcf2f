"""Routes whose bodies are read within limits, small ones at once, large ones in a thread."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from tenor._core.records import Json
from tenor.serving.asgi import BODY_KEY
from tenor.serving.json_reader import JsonReader
from tenor.serving.limits import Limits

_INLINE_BYTES = 64 << 10  # of a body that is read on the event loop


def route_class(limits: Limits, list_fields: frozenset[str], row_fields: frozenset[str]) -> type[APIRoute]:
    """A class of FastAPI routes that read bodies with `JsonReader`.

    Args:
        limits: Limits of one request.
        list_fields: Fields whose values may be lists of strings.
        row_fields: Fields whose values, or the elements of whose lists, may be objects.
    """
    threads = ThreadPoolExecutor(1, "body")

    class LimitedRequest(Request):
        async def body(self) -> bytes:
            body: bytes | None = self.scope.get(BODY_KEY)
            return await super().body() if body is None else body

        async def json(self) -> Json:
            reader = JsonReader(body := await self.body(), limits, list_fields, row_fields)
            if len(body) <= _INLINE_BYTES:
                return reader.read()
            return await asyncio.get_running_loop().run_in_executor(threads, reader.read)

    class LimitedRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[object, None, Response]]:
            handle = super().get_route_handler()

            async def handle_limited(request: Request) -> Response:
                return await handle(LimitedRequest(request.scope, request.receive))

            return handle_limited

    return LimitedRoute
