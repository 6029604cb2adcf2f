"""How a server is run."""

import re
from dataclasses import dataclass, field

from tenor._core.language import tr
from tenor.errors import SettingsError
from tenor.serving.limits import Limits


@dataclass(frozen=True)
class ServerOptions:
    """How a server is run.

    Attributes:
        limits: Limits of one request.
        keys: API keys; a client sends one of them. Empty: no key is needed.
        origins: Allowed CORS origins. Empty: only pages of the server itself may send requests.
        hosts: Names of the server besides its addresses and local names.
        max_batch_size: Maximum number of texts in a batch.
        batch_wait_s: Seconds that the first request of a batch waits for others.
        queue_size: Maximum number of texts that wait for a model.
        reload_interval_s: Seconds between checks for a new version in a model's folder; 0: never.
        trial_timeout_s: Seconds of processor time in which a new version has to load and predict.
        log_texts: Write the texts of requests to the log.
    """

    limits: Limits = field(default_factory=Limits)
    keys: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    max_batch_size: int = 256
    batch_wait_s: float = 0.0
    queue_size: int = 10_000
    reload_interval_s: float = 5.0
    trial_timeout_s: float = 120.0
    log_texts: bool = False

    def __post_init__(self) -> None:
        for origin in self.origins:
            if origin != "*" and not re.fullmatch(r"https?://[^/\s]+", origin):
                raise SettingsError(
                    tr("{origin}: this is not a CORS origin.", origin=origin), tr("Write it as https://example.org.")
                )
