"""Types of ASGI, the interface between a Python web application and its server."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
"""A request (scope), or one of the messages of a request or a response."""

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Message, Receive, Send], Awaitable[None]]

BODY_KEY = "tenor.body"
"""Key of a scope under which the guard leaves the whole body of the request, which is not copied again."""
