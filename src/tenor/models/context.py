"""What travels through every fit: the seed, who hears of progress, where checkpoints go, and how much time there is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor.models.auto.executor import Executor
from tenor.models.base import Examples, Fitted
from tenor.models.network_config import NetworkConfig
from tenor.text.chinese import CharacterMap

if TYPE_CHECKING:
    from tenor.models.family import NetworkFamily
    from tenor.models.neural.network import PretrainedWeights

CHECKPOINT = "checkpoint.safetensors"
"""The file of a checkpoint."""


@dataclass(frozen=True)
class Checkpoints:
    """Where the checkpoints of a network go.

    Attributes:
        folder: The folder; it is made when the first checkpoint is written.
        resume: Continue from the checkpoint in the folder.
        run: What identifies the run (settings, seed, fingerprint of the data). A checkpoint of another run, of another
            backend, or of a GPU where there is a processor now, is refused.
        min_interval_s: Seconds between checkpoints, at least; one is also written after every epoch.
        max_time_share: Largest share of the time that goes into writing checkpoints within an epoch.
    """

    folder: Path
    resume: bool
    run: JsonObject
    min_interval_s: float = 20.0
    max_time_share: float = 0.01

    def remove(self) -> None:
        """Remove the checkpoint of an earlier run."""
        (self.folder / CHECKPOINT).unlink(missing_ok=True)

    def announce_resume(self, callback: Callback) -> None:
        """Say how to resume an interrupted run, if that is possible."""
        if (self.folder / CHECKPOINT).exists():
            callback.on_message(tr("interrupted; the same run with `resume=True` continues from the last checkpoint."))


class FitNetwork(Protocol):
    """Trains a network: `training.fitting.fit_network`, or its like on other machines."""

    def __call__(
        self, family: "NetworkFamily", examples: Examples, config: NetworkConfig, context: "FitContext", /
    ) -> Fitted:
        """Raises TenorError where a setting does not fit the task or a checkpoint cannot be used."""


@dataclass(frozen=True, kw_only=True)
class FitContext:
    """How and where a model is fitted, besides its examples and settings.

    Attributes:
        seed: Seed of everything random.
        callback: Hears of progress.
        checkpoints: Where the checkpoints of a network go; None: no checkpoints.
        init: Pretrained weights that a network starts from; None: those that its family starts from.
        seconds: Time for a network: the first steps are timed, and the network makes as many as fit in; None: all
            steps.
        executor: Where `auto` makes its models; None: in this process.
        on_candidate: Takes each usable model while a better one is searched for.
        character_map: Characters that the model reads as others; None: none. `training.fitting` replaces them.
        fit_network: Trains networks, as the models know nothing of training; None: as `training.fitting` does.
    """

    seed: int
    callback: Callback = field(default_factory=Callback)
    checkpoints: Checkpoints | None = None
    init: "PretrainedWeights | None" = None
    seconds: float | None = None
    executor: Executor | None = None
    on_candidate: Callable[[Fitted], None] | None = None
    fit_network: FitNetwork | None = None
    character_map: CharacterMap | None = None

    def for_member(self, seed: int, callback: Callback | None = None) -> "FitContext":
        """The context of a member of an ensemble: in this process, from the family's own first weights."""
        return FitContext(seed=seed, callback=callback or Callback(), fit_network=self.fit_network)
