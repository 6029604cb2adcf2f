"""How long work tells of itself; the base class is silent."""


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

    def compared(self, name: str, figures: dict[str, float]) -> None:
        """A model has been made and tried on the same texts as those before it: a row of a leaderboard.

        Its figures are `validation_loss`, a score such as `validation_accuracy` with its interval
        (`validation_accuracy_low`, `validation_accuracy_high`), and for a single model `seconds`, `texts_per_s`,
        `latency_ms` and `size_mib`.
        """
