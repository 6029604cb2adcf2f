"""Callbacks: how long-running work reports its messages, its progress and its metrics."""

from collections.abc import Mapping


class Callback:
    """Methods that a training run calls while it trains. They do nothing here: override those you need.

    An exception that a method raises ends the run.
    """

    def on_message(self, message: str) -> None:
        """Receive a message for the user, such as which columns were chosen."""

    def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
        """Receive the progress of a stage.

        Args:
            stage: Name of the stage, such as `epoch 1`.
            done: Items done so far: texts of an epoch, say.
            total: All items of the stage; 0 if their number is unknown, and then items are rows.
            metrics: Running means over the items done so far.
        """

    def on_epoch_end(self, epoch: str, metrics: dict[str, float]) -> None:
        """Receive the metrics of an epoch (`epoch 1`), or of a fold of a cross-validation (`fold 1 of 5`)."""

    def log_metrics(self, kind: str, step: int, metrics: dict[str, float]) -> None:
        """Receive metrics for learning curves.

        Args:
            kind: `step` (a batch that a network was trained on), `epoch` or `fold`. If several models are trained,
                the name of the model comes first: `cnn/step`.
            step: Number of the batch, epoch or fold, from 1.
            metrics: Their values by name.
        """

    def on_candidate_end(
        self, name: str, metrics: dict[str, float], settings: Mapping[str, object] | None = None
    ) -> None:
        """Receive a row of the leaderboard: one of several models was trained and evaluated on the validation data.

        Args:
            name: Name of the candidate.
            metrics: `validation_loss`, a score such as `validation_accuracy` with its interval
                (`validation_accuracy_low`, `validation_accuracy_high`) and, for a single model, `seconds`,
                `texts_per_s`, `latency_ms` and `size_mib`.
            settings: Settings by which the candidate differs from the others; None: it has none of its own.
        """


class ForwardingCallback(Callback):
    """Forwards every call to another callback."""

    def __init__(self, callback: Callback) -> None:
        self.callback = callback

    def on_message(self, message: str) -> None:
        """Forward a message."""
        self.callback.on_message(message)

    def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
        """Forward progress."""
        self.callback.on_progress(stage, done, total, metrics)

    def on_epoch_end(self, epoch: str, metrics: dict[str, float]) -> None:
        """Forward the metrics of an epoch."""
        self.callback.on_epoch_end(epoch, metrics)

    def log_metrics(self, kind: str, step: int, metrics: dict[str, float]) -> None:
        """Forward metrics."""
        self.callback.log_metrics(kind, step, metrics)

    def on_candidate_end(
        self, name: str, metrics: dict[str, float], settings: Mapping[str, object] | None = None
    ) -> None:
        """Forward a candidate."""
        self.callback.on_candidate_end(name, metrics, settings)


class PrefixedCallback(ForwardingCallback):
    """Forwards the calls of one of several fits, and puts its name before the names of metrics and candidates."""

    def __init__(self, callback: Callback, prefix: str) -> None:
        super().__init__(callback)
        self.prefix = prefix

    def log_metrics(self, kind: str, step: int, metrics: dict[str, float]) -> None:
        """Forward metrics as those of `PREFIX/KIND`."""
        super().log_metrics(f"{self.prefix}/{kind}", step, metrics)

    def on_candidate_end(
        self, name: str, metrics: dict[str, float], settings: Mapping[str, object] | None = None
    ) -> None:
        """Forward a candidate as `PREFIX, NAME`."""
        super().on_candidate_end(f"{self.prefix}, {name}", metrics, settings)
