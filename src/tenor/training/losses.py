"""The loss that a network is trained with."""

from tenor._core.language import tr
from tenor.config.settings import require
from tenor.models.network_config import Loss, NetworkConfig
from tenor.tasks import Task


def default_loss(task: Task) -> Loss:
    """The loss of a task, unless the settings name another."""
    return "cross-entropy" if task.has_labels else "mean-squared-error"


def choose_loss(config: NetworkConfig, task: Task) -> Loss:
    """The loss of the settings, or the task's own. Raises SettingsError for the loss of another task."""
    if config.loss is None:
        return default_loss(task)
    if task.has_labels:
        serves = config.loss in ("cross-entropy", "mean-squared-error")
    else:
        serves = config.loss != "cross-entropy"
    require(serves, "loss", tr("is {loss}, which does not serve the task {kind}", loss=config.loss, kind=task.kind))
    return config.loss
