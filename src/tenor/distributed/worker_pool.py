"""Blocks of rows on the workers of a Ray cluster, which compute sums over them.

A block is deterministic: its state follows from the calls that it received. If a worker dies, another one receives the
same calls for its blocks, from the first to the last, and reaches the same state, bit for bit. Results come in the
order of the blocks, so their sum does not depend on the workers.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from tenor._core.language import tr
from tenor.distributed.cluster import RayActor, RayModule, RayReference
from tenor.errors import DataError, TenorError

_START_S = 60.0  # a worker that takes longer to start leaves its work to others
_ROOM_S = 20.0  # the same for a worker that replaces another
_DEATHS = 5  # workers that may die with the same block

Arguments: TypeAlias = tuple[object, ...]
"""The arguments of a call, in order."""


class Worker:
    """An actor that holds blocks."""

    def __init__(self, threads: int, make: Callable[[], object]) -> None:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # threads are sized by it
        self.make, self.blocks, self.whole = make, dict[int, object](), dict[int, bool]()

    def ready(self) -> int:
        """The number of the worker's process, once it runs."""
        return os.getpid()

    def call(self, number: int, method: str, *args: object) -> tuple[Any, TenorError | None]:
        """The result of a block's method, or the error of its rows."""
        if number not in self.blocks:
            self.blocks[number] = self.make()
        if not self.whole.get(number, True):
            raise RuntimeError(tr("an earlier call of this block failed"))  # and its result may not have been read
        self.whole[number] = False
        try:
            answer = getattr(self.blocks[number], method)(*args)
            self.whole[number] = True
            return answer, None
        except TenorError as error:
            return None, DataError(error.problem, error.remedy)


class WorkerPool:
    """Workers, and which of them has which block.

    Args:
        ray: A connected Ray.
        make: Makes an empty block.
        n_partitions: Number of blocks; each worker begins with one.
        threads: Cores of each worker.
    """

    def __init__(self, ray: RayModule, make: Callable[[], object], n_partitions: int, threads: int) -> None:
        self._ray, self._make, self._threads = ray, make, threads
        self._actor = ray.remote(num_cpus=threads, max_restarts=0)(Worker)
        self._calls: list[tuple[str, Sequence[Arguments]]] = []  # to all blocks, so far
        self._deaths: Counter[int] = Counter()
        started = {actor: actor.ready.remote() for actor in (self._started() for _ in range(n_partitions))}
        self._living = self._there(started, _START_S)
        self._homes = [self._living[number % len(self._living)] for number in range(n_partitions)]

    @property
    def n_partitions(self) -> int:
        """Number of blocks."""
        return len(self._homes)

    def close(self) -> None:
        """End the workers."""
        for actor in self._living:
            self._ray.kill(actor)

    def call(self, method: str, *args: object, changes_state: bool = True) -> Iterator[Any]:
        """The result of each block, in their order.

        Args:
            method: A method of the blocks.
            args: Its arguments; large ones are put into Ray once.
            changes_state: Whether it changes what a block holds.

        Raises:
            TenorError: Something is wrong with the rows, or workers die again and again.
        """
        return self.call_each(method, [args] * self.n_partitions, changes_state)

    def call_each(self, method: str, args: Sequence[Arguments], changes_state: bool = True) -> Iterator[Any]:
        """As `call`, with arguments for each block."""
        before = len(self._calls)
        if changes_state:
            self._calls.append((method, args))
        sent = [self._send(number, method, args[number]) for number in range(self.n_partitions)]
        return self._answers(sent, before, method, args)

    def cast(self, method: str, *args: object) -> None:
        """Call a method of all blocks, without waiting for a result."""
        self.call(method, *args)

    def put(self, value: object) -> RayReference:
        """A reference to a large value for all blocks."""
        return self._ray.put(value)

    def mark(self) -> int:
        """A point to which `rollback` can return."""
        return len(self._calls)

    def rollback(self, mark: int) -> None:
        """Drop the calls since `mark`: later calls do not depend on them."""
        del self._calls[mark:]

    def _send(self, number: int, method: str, args: Arguments) -> RayReference:
        return self._homes[number].call.remote(number, method, *args)

    def _answers(
        self, sent: list[RayReference | None], before: int, method: str, args: Sequence[Arguments]
    ) -> Iterator[Any]:
        for number in range(len(sent)):
            one, sent[number] = sent[number], None  # so that Ray frees results that were taken
            yield self._answer(number, one, before, method, args[number])

    def _answer(self, number: int, sent: RayReference, before: int, method: str, args: Arguments) -> Any:
        gone = self._ray.exceptions
        while True:
            home = self._homes[number]
            try:
                answer, error = self._ray.get(sent)
            except (gone.RayActorError, gone.ObjectLostError, gone.NodeDiedError):
                self._move(number, home)
                for earlier, arguments in self._calls[:before]:
                    self._send(number, earlier, arguments[number])
                sent = self._send(number, method, args)
                continue
            if error is not None:
                raise error
            return answer

    def _move(self, number: int, home: RayActor) -> None:
        """Find another home for a block."""
        self._deaths[number] += 1
        if self._deaths[number] == _DEATHS:
            raise TenorError(
                tr("workers that hold the same rows die, {deaths} by now.", deaths=_DEATHS),
                tr("Look whether these need more memory or disk than a node has; give more files, or more workers."),
            )
        if home in self._living:
            self._ray.kill(home)  # it may still run, out of reach
            self._living.remove(home)
            another = self._started()
            self._living += self._there({another: another.ready.remote()}, _ROOM_S, bool(self._living))
        self._homes[number] = min(self._living, key=self._homes.count)

    def _started(self) -> RayActor:
        return self._actor.remote(self._threads, self._make)

    def _there(self, started: dict[RayActor, RayReference], seconds: float, others: bool = False) -> list[RayActor]:
        """The actors that started in time; at least one if there are no others."""
        actors = {ready: actor for actor, ready in started.items()}
        ready, late = self._ray.wait(list(actors), num_returns=len(actors), timeout=seconds)
        if not ready and not others:
            ready, late = self._ray.wait(late, num_returns=1)
        for each in late:
            self._ray.kill(actors[each])
        there, problem = [], ""
        for each in ready:
            try:
                self._ray.get(each)
                there.append(actors[each])
            except (self._ray.exceptions.RayActorError, self._ray.exceptions.NodeDiedError) as error:
                problem = str(error).strip().splitlines()[-1]
        if not there and not others:
            raise TenorError(
                tr("no worker starts: {problem}", problem=problem),
                tr("Look at the cluster: is Tenor installed on every node?"),
            )
        return there
