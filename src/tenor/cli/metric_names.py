"""The names of metrics for people, in their language."""

from tenor._core.language import mark, tr

_METRICS = {
    "accuracy": mark("accuracy"),
    "average_precision": mark("average precision"),
    "brier_score": mark("Brier score"),
    "exact_match": mark("exact match"),
    "hamming_loss": mark("Hamming loss"),
    "log_loss": mark("log loss"),
    "loss": mark("loss"),
    "macro_f1": mark("macro-F1"),
    "micro_f1": mark("micro-F1"),
    "r2": "R2",
    "roc_auc": "ROC AUC",
    "validation_accuracy": mark("validation accuracy"),
    "validation_loss": mark("validation loss"),
    "validation_mae": mark("validation mae"),
    "validation_micro_f1": mark("validation micro f1"),
}


def metric_name(key: str) -> str:
    """The name of a metric in the language of the moment; of one without a name, its key with blanks."""
    return tr(_METRICS.get(key, key.replace("_", " ")))
