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
