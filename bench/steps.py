"""Time Tenor's own training, batch by batch, through the callback that it reports to."""

from time import perf_counter
from typing import Any

from tenor._core.callbacks import Callback
from tenor.text.batches import Batch


class EnoughError(Exception):
    """All the batches that were wanted are timed."""


class Steps(Callback):
    """Adds up the batches of each width but its first one, which compiles; or all but the very first.

    Attributes:
        steps: Batches counted.
        seconds: The time they took.
        tokens: Tokens in them, without padding.
        padded_tokens: Tokens in them, with padding.
    """

    def __init__(
        self,
        batches: list[Batch],
        lengths: Any,
        enough: int | None,
        passed_over: str = "",
        compiles_once: bool = False,
    ) -> None:
        """Take the batches as they will come, the length of every row, after how many to stop (None: never), the name
        of a step whose batches are others, and whether the first batch compiles for all widths.
        """
        self._compiles_once = compiles_once
        self._passed_over = passed_over
        self._batches, self._lengths, self._enough = batches, lengths, enough
        self._seen: set[int] = set()
        self._number, self._rows, self._last = 0, 0, perf_counter()
        self.steps = self.tokens = self.padded_tokens = 0
        self.seconds = 0.0

    def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
        """A batch is through. Raises EnoughError after the last one that is wanted."""
        now = perf_counter()
        if stage == self._passed_over:
            self._last = now
            return
        batch = self._batches[self._number]
        self._number, self._rows = self._number + 1, self._rows + len(batch.rows)
        if done != self._rows:
            raise RuntimeError(f"{stage}: {done} rows are done, and {self._rows} were expected")
        width = 0 if self._compiles_once else batch.width
        if width in self._seen:
            self.steps += 1
            self.seconds += now - self._last
            self.tokens += int(self._lengths[batch.rows].sum())
            self.padded_tokens += len(batch.rows) * batch.width
        self._seen.add(width)
        self._last = now
        if self._enough is not None and self.steps >= self._enough:
            raise EnoughError

    def measurements(self) -> dict[str, float]:
        """What was counted, and the rates."""
        return rates(self.steps, self.seconds, self.tokens, self.padded_tokens)


def rates(steps: int, seconds: float, tokens: int, padded_tokens: int) -> dict[str, float]:
    """The counts with the rates that follow from them."""
    return {
        "steps": steps,
        "seconds": seconds,
        "tokens": tokens,
        "padded_tokens": padded_tokens,
        "tokens_per_s": tokens / seconds,
        "padded_tokens_per_s": padded_tokens / seconds,
    }
