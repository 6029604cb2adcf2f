"""The protocol of an executor that runs calls elsewhere, several at a time, and `map_ordered`, which uses one."""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

KeyT = TypeVar("KeyT")
ResultT = TypeVar("ResultT")


class Call(NamedTuple, Generic[KeyT, ResultT]):
    """A call to run.

    Attributes:
        key: Identifies the call; `map_ordered` returns it with the result.
        function: A function that can be pickled.
        args: Its arguments; an argument may be a reference from `Executor.put`.
    """

    key: KeyT
    function: Callable[..., ResultT]
    args: tuple[object, ...]


class Executor(Protocol):
    """Runs calls in other processes or on other machines.

    Attributes:
        max_workers: Maximum number of calls at the same time.
    """

    max_workers: int

    def put(self, value: object) -> object:
        """Store a large value once; calls take the returned reference as an argument and receive the value."""

    def submit(self, function: Callable[..., object], *args: object) -> object:
        """Start a call and return its task."""

    def wait(self, tasks: Sequence[object]) -> object:
        """Wait until one of the tasks is done, and return it."""

    def result(self, task: object) -> Any:
        """The result of a task. Raises the TenorError that its function raised."""

    def cancel(self, tasks: Sequence[object]) -> None:
        """End tasks."""


def map_ordered(
    executor: Executor, calls: Iterator[Call[KeyT, ResultT] | None], limit: Callable[[], int]
) -> Generator[tuple[KeyT, ResultT]]:
    """Run calls on an executor and yield (key, result) in the order of the calls.

    Args:
        executor: Runs the calls.
        calls: Each call is requested only when it can start. None means: wait until the next result was yielded.
        limit: Gives the maximum number of calls that run now.

    Raises:
        TenorError: A call raised it.
    """
    submitted: deque[tuple[KeyT, object]] = deque()
    done: set[object] = set()

    def submit_calls() -> None:
        while len(submitted) - len(done) < limit() and (call := next(calls, None)) is not None:
            submitted.append((call.key, executor.submit(call.function, *call.args)))

    try:
        submit_calls()
        while submitted:
            key, task = submitted[0]
            while task not in done:
                done.add(executor.wait([each for _, each in submitted if each not in done]))
                if len(submitted) > 1 or task not in done:
                    submit_calls()
            result = executor.result(task)
            submitted.popleft()
            done.remove(task)
            yield key, result
            submit_calls()
    finally:
        executor.cancel([task for _, task in submitted])
