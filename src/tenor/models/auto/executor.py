"""Other places where models can be made, several at a time."""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Protocol

Call = tuple[Any, Callable[..., Any], tuple[Any, ...]]
"""(name, function, its arguments)."""


class Executor(Protocol):
    """Other places where models can be made.

    Attributes:
        max_workers: How many calls are made there at a time.
    """

    max_workers: int

    def put(self, value: Any) -> Any:
        """A reference to something large, which calls get in its place."""

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        """Begin a call."""

    def wait(self, begun: Sequence[Any]) -> Any:
        """One of these calls that is through."""

    def result(self, call: Any) -> Any:
        """What a call returned. Raises TenorError as it did."""

    def cancel(self, begun: Sequence[Any]) -> None:
        """End calls."""


def map_ordered(
    executor: Executor, calls: Iterator[Call | None], limit: Callable[[], int]
) -> Generator[tuple[Any, Any]]:
    """Make calls elsewhere, so many at a time; (name, result) in their order.

    A call is asked for when it can begin; None in its place means: not before the next result is taken.
    """
    begun: deque[tuple[Any, Any]] = deque()
    done: set[Any] = set()

    def begin() -> None:
        while len(begun) - len(done) < limit() and (call := next(calls, None)) is not None:
            name, function, args = call
            begun.append((name, executor.submit(function, *args)))

    try:
        begin()
        while begun:
            name, task = begun[0]
            while task not in done:
                done.add(executor.wait([each for _, each in begun if each not in done]))
                if len(begun) > 1 or task not in done:
                    begin()
            result = executor.result(task)
            begun.popleft()
            done.remove(task)
            yield name, result
            begin()
    finally:
        executor.cancel([each for _, each in begun])
