"""Which topic of `tenor help` goes with an error: that of the module that raised it."""

from tenor.errors import BundleError, MissingExtraError, TenorError, WriteError

# These say all that there is to say.
_COMPLETE = (BundleError, MissingExtraError, WriteError)

TOPICS = {
    "tenor.config.settings": "settings",
    "tenor.data.builder": "labels",
    "tenor.data.columns": "data",
    "tenor.data.dataset": "labels",
    "tenor.data.disk_builder": "labels",
    "tenor.data.feature_kinds": "fields",
    "tenor.data.field_columns": "fields",
    "tenor.data.io.decoding": "data",
    "tenor.data.io.delimited": "data",
    "tenor.data.io.workbook": "data",
    "tenor.data.label_columns": "labels",
    "tenor.data.label_values": "labels",
    "tenor.data.labelled_table": "data",
    "tenor.data.labels": "labels",
    "tenor.data.row_reader": "fields",
    "tenor.distributed": "cluster",
    "tenor.inference.json_row": "fields",
    "tenor.inference.review": "coverage",
    "tenor.models.auto": "budget",
    "tenor.models.families.pretrained": "encoders",
    "tenor.models.pretrained": "encoders",
    "tenor.models.registry": "families",
    "tenor.training.cross_validation": "evaluation",
    "tenor.training.preparation": "evaluation",
    "tenor.training.splitting": "evaluation",
}
"""Module or package -> topic. A module that is absent raises errors that need no topic, such as a wrong path."""


def topic_of(error: TenorError) -> str | None:
    """The topic that helps with an error that was raised; None if none does."""
    if isinstance(error, _COMPLETE):
        return None
    module, traceback = "", error.__traceback__
    while traceback is not None:
        module, traceback = traceback.tb_frame.f_globals.get("__name__", ""), traceback.tb_next
    while module and module not in TOPICS:
        module = module.rpartition(".")[0]
    return TOPICS.get(module)
