"""How long work tells of itself; the base class is silent."""

from collections.abc import Mapping
from typing import Any


class Watcher:
    """What training calls as it goes on."""

    def say(self, line: str) -> None:
        """Something a person should know, such as which columns were chosen."""

    def progress(self, step: str, done: int, total: int, figures: dict[str, float]) -> None:
        """`done` of `total` parts of this step (texts of an epoch, say) are through; `figures` are running means.

        Of how many is not known where `total` is 0; these are rows then.
        """

    def finished(self, step: str, figures: dict[str, float]) -> None:
        """The step is over."""

    def recorded(self, what: str, number: int, figures: dict[str, float]) -> None:
        """Figures for those who draw curves, of the `number`-th `what` of the run: `step` (a batch that a network has
        learned from), `epoch` or `fold`; of one of several models, its name comes first: `cnn/step`.
        """

    def chosen(self, name: str, settings: Mapping[str, Any]) -> None:
        """The settings that make a model, of which `compared` tells then, another than the others."""

    def compared(self, name: str, figures: dict[str, float]) -> None:
        """A model has been made and tried on the same texts as those before it: a row of a leaderboard.

        Its figures are `validation_loss`, a score such as `validation_accuracy` with its interval
        (`validation_accuracy_low`, `validation_accuracy_high`), and for a single model `seconds`, `texts_per_s`,
        `latency_ms` and `size_mib`.
        """


class Passing(Watcher):
    """Tells another watcher all that it hears."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher

    def say(self, line: str) -> None:
        self.watcher.say(line)

    def progress(self, step: str, done: int, total: int, figures: dict[str, float]) -> None:
        self.watcher.progress(step, done, total, figures)

    def finished(self, step: str, figures: dict[str, float]) -> None:
        self.watcher.finished(step, figures)

    def recorded(self, what: str, number: int, figures: dict[str, float]) -> None:
        self.watcher.recorded(what, number, figures)

    def chosen(self, name: str, settings: Mapping[str, Any]) -> None:
        self.watcher.chosen(name, settings)

    def compared(self, name: str, figures: dict[str, float]) -> None:
        self.watcher.compared(name, figures)


class Named(Passing):
    """Tells another watcher of one of several fits: what is recorded there begins with its name."""

    def __init__(self, watcher: Watcher, name: str) -> None:
        super().__init__(watcher)
        self.name = name

    def recorded(self, what: str, number: int, figures: dict[str, float]) -> None:
        super().recorded(f"{self.name}/{what}", number, figures)

    def chosen(self, name: str, settings: Mapping[str, Any]) -> None:
        super().chosen(f"{self.name}, {name}", settings)

    def compared(self, name: str, figures: dict[str, float]) -> None:
        super().compared(f"{self.name}, {name}", figures)
