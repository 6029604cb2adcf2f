"""Limits of requests: their size, their time and their rate."""

import math
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one request.

    Attributes:
        max_texts: Texts.
        max_characters: Characters of all texts.
        max_values: Values of fields in all texts.
        max_body_bytes: Bytes of the body.
        max_held_bytes: Bytes of the bodies of all requests that are being read or answered.
        timeout_s: Seconds until the response.
        max_explained_texts: Texts to explain.
        max_explained_characters: Characters of all texts to explain.
        max_correction_characters: Characters of a corrected text.
        corrections_per_minute: Corrections in a minute, of all clients together.
    """

    max_texts: int = 1_000
    max_characters: int = 2_000_000
    max_values: int = 100_000
    max_body_bytes: int = 16 << 20
    max_held_bytes: int = 512 << 20
    timeout_s: float = 30.0
    max_explained_texts: int = 16
    max_explained_characters: int = 20_000
    max_correction_characters: int = 100_000
    corrections_per_minute: int = 120


class RateLimiter:
    """Allows a number of events per minute (a token bucket that holds one minute's worth)."""

    def __init__(self, per_minute: int) -> None:
        """Start with a full bucket of `per_minute` events."""
        self._per_minute = per_minute
        self._tokens, self._updated_at = float(per_minute), time.monotonic()

    def wait(self) -> int:
        """Count one event. Returns 0 if it is allowed now, else the whole seconds to wait; it is not counted then."""
        now = time.monotonic()
        self._tokens = min(self._per_minute, self._tokens + (now - self._updated_at) * self._per_minute / 60)
        self._updated_at = now
        if self._tokens < 1:
            return math.ceil((1 - self._tokens) * 60 / self._per_minute)
        self._tokens -= 1
        return 0
