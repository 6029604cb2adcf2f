"""What the settings of a linear family must have."""

from typing import Protocol

from tenor.config.search_space import Space
from tenor.tasks import Task


class LinearConfig(Protocol):
    """The settings of a linear family: a frozen dataclass of settings with defaults, and these two."""

    @property
    def calibrated(self) -> bool:
        """A setting: whether further models score held-out texts for calibration.

        It is False where the caller calibrates, such as `auto` for the models of a blend.
        """

    @classmethod
    def space(cls, task: Task, /) -> Space:
        """The settings that `tenor tune` may change; `{}`: none."""
