"""The report (HTML) and the model card (Markdown) of a model, in English or Chinese."""

import html
import json
import logging
import re
import shlex
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from tenor._core.language import language, mark, tr
from tenor._core.printable import printable, printable_json
from tenor._core.records import JsonObject, Record
from tenor._core.version import VERSION
from tenor.config import settings
from tenor.data.fields import FieldKind, Fields
from tenor.errors import missing_extra
from tenor.evaluation import class_rows, confusion
from tenor.evaluation.slice_names import display_by, display_name
from tenor.evaluation.slices import Slice
from tenor.explanation import templates
from tenor.explanation.page import field_segments
from tenor.models.auto.selection import Selection
from tenor.report.linked_terms import LinkedTerms
from tenor.report.report_data import ReportData
from tenor.tasks import MultiLabel, Regression, SingleLabel

TemplateVariables: TypeAlias = dict[str, Any]
"""Variables of a Jinja template by name."""

_MARKS = re.compile(r"[\[\]|`]")
_MOST_LABELS = 20  # in the confusion matrix, and in the table of the data
_MOST_SLICES = 15
_MOST_CONFUSED = 5

HEADLINE_METRICS: dict[type, tuple[tuple[str, str], ...]] = {
    SingleLabel: (
        (mark("accuracy"), "accuracy"),
        (mark("macro-F1"), "macro_f1"),
        (mark("ROC AUC"), "roc_auc"),
        (mark("log loss"), "log_loss"),
        (mark("expected calibration error"), "expected_calibration_error"),
    ),
    MultiLabel: (
        (mark("micro-F1"), "micro_f1"),
        (mark("macro-F1"), "macro_f1"),
        (mark("average precision"), "average_precision"),
        (mark("exact match"), "exact_match"),
        (mark("Hamming loss"), "hamming_loss"),
        (mark("expected calibration error"), "expected_calibration_error"),
    ),
    Regression: (
        (mark("mean absolute error"), "mae"),
        (mark("root mean squared error"), "rmse"),
        ("R2", "r2"),
        (mark("Pearson correlation"), "pearson"),
        (mark("Spearman correlation"), "spearman"),
    ),
}
METRIC_NAMES = {SingleLabel: "accuracy", MultiLabel: "micro-F1", Regression: "mean absolute error"}
_SECTIONS = {
    "results": mark("Results"),
    "coverage": mark("Coverage of prediction sets"),
    "slices": mark("Slices of the data, worst first"),
    "errors": mark("Most confident errors"),
    "suspects": mark("Possibly wrong labels"),
    "data": mark("Data"),
    "training": mark("Training"),
    "again": mark("Reproduce this model"),
    "terms": mark("Terms"),
}

_STEPS = {
    "read_s": mark("read"),
    "check_s": mark("check"),
    "encode_s": mark("encode"),
    "choose_s": mark("choose"),
    "fit_s": mark("fit"),
    "calibrate_s": mark("calibrate"),
    "evaluate_s": mark("evaluate"),
    "cross_validate_s": mark("cross-validate"),
}


@dataclass(frozen=True)
class Documents:
    """The files of a model for people: HTML and Markdown."""

    page: str
    card: str


def require_installed() -> None:
    """Raise MissingExtraError where the package that draws charts is not installed."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it reports a home that it cannot write its cache to
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError:
        raise missing_extra("the report", "report") from None


def render(report: ReportData, title: str) -> Documents:
    """The page and the card.

    Args:
        report: The data.
        title: The name of the model.

    Raises:
        MissingExtraError: The package that draws charts is not installed.
    """
    require_installed()
    values = _values(report, title)
    page = templates.environment("tenor.report").get_template("page.html.jinja")
    markdown = templates.environment("tenor.report", autoescape=False)
    markdown.filters["md"] = _markdown
    card = markdown.get_template("card.md.jinja")
    page_terms, card_terms = (LinkedTerms(is_on=bool(report.test)) for _ in range(2))
    return Documents(
        page.render(values, charts=_charts(report), terms=page_terms), card.render(values, terms=card_terms)
    )


def _selection(selection: JsonObject | None) -> str:
    """Which of several models was kept, and why; empty: there was one model."""
    if selection is None:
        return ""
    return Selection.from_record(Record(selection, "metrics.json", "selection")).sentence


def _markdown(text: str) -> str:
    """A text for Markdown: on one line, without HTML, links, code or cells of its own."""
    return _MARKS.sub(lambda match: f"&#{ord(match[0])};", html.escape(printable(text), quote=False))


def _values(report: ReportData, title: str) -> TemplateVariables:
    """The variables of both templates."""
    task, test, saved = report.task, report.test, report.model.bundle
    slices = [Slice.from_dict(row) for row in test.get("slices", [])]
    slices = [row._replace(value=display_name(row.by, row.value)) for row in slices]
    counts = list(report.counts.items())
    present = {
        "results": test,
        "coverage": test.get("coverage"),
        "slices": slices,
        "errors": report.mistakes,
        "suspects": report.suspects,
        "terms": test,
    }
    measured = tuple(test.get("per_class", task.labels))  # with labels that the model does not know
    return {
        "report": report,
        "example": _example(saved.fields),
        "fence": "`" * max([3, *(len(ticks) + 1 for ticks in re.findall("`+", report.run))]),
        "tr": tr,
        "display_by": display_by,
        "language": "zh-Hans" if language() == "zh" else language(),
        "title": title,
        "version": VERSION,
        "kind": tr(task.kind),
        "metadata": saved.metadata,
        "test": test,
        "tiles": _tiles(report),
        "selection": _selection(saved.metrics.selection),
        "labels": task.labels,
        "thresholds": dict(zip(task.labels, task.thresholds, strict=True)) if isinstance(task, MultiLabel) else {},
        "class_rows": class_rows.choose(test.get("per_class", {})),
        "confusion": _confusion(test, measured) if len(measured) <= _MOST_LABELS else [],
        "confused": confusion.mistakes(test, measured)[:_MOST_CONFUSED] if len(measured) > 2 else [],
        "slices": slices[:_MOST_SLICES],
        "worse": [row for row in slices if row.worse][:_MOST_CONFUSED],
        "metric_name": METRIC_NAMES[type(task)],
        "mistakes": [
            (
                mistake,
                field_segments(mistake.explanation, mistake.explanation.labels[0].spans, mistake.explanation.unread),
            )
            for mistake in report.mistakes
        ],
        "counts": counts[:_MOST_LABELS],
        "more_labels": len(counts[_MOST_LABELS:]),
        "lengths": ", ".join(f"{length:,}" for length in report.lengths),
        "costs": _costs(report),
        "unknown_letters": getattr(saved.config, "allow_unknown_letters", False) and saved.config.unknown_letters,
        "settings": list(settings.as_dict(saved.config).items()),
        "sections": [(id_, name) for id_, name in _SECTIONS.items() if present.get(id_, True)],
    }


class _Example(NamedTuple):
    """A text that the model may get: on the command line, and in Python."""

    argument: str
    literal: str


def _example(fields: Fields) -> _Example:
    """A text, or an object with the fields of the model."""
    if fields.is_single_text:
        return _Example(f'"{tr("a text")}"', f'"{tr("a text")}"')
    values: dict[FieldKind, object] = {"text": tr("a text"), "number": 1, "category": "a", "date": "2024-03-01"}
    row = {field.name: values[field.kind] for field in fields.columns}
    literal = printable_json(json.dumps(row, ensure_ascii=False))
    return _Example(shlex.quote(literal), literal)


def _tiles(report: ReportData) -> list[tuple[str, str, str]]:
    """Name, value and small print of the headline metrics."""
    test, tiles = report.test, []
    for name, key in HEADLINE_METRICS[type(report.task)]:
        if test.get(key) is None:
            continue
        note = ""
        if key == "accuracy":
            low, high = test["accuracy_interval"]
            note = f"{tr('95% interval')} {low:.4f}–{high:.4f}"
        elif key == "expected_calibration_error" and "uncalibrated" in test:
            note = f"{tr('before')} {test['uncalibrated'][key]:.4f}"
        tiles.append((name, f"{test[key]:.4f}", note))
    return tiles


def _confusion(test: JsonObject, labels: tuple[str, ...]) -> list[tuple[str, list[tuple[int, float]]]]:
    """For each true label the counts of the predicted labels, and their shares of its texts."""
    return [
        (name, [(count, count / max(sum(counts), 1)) for count in counts])
        for name, counts in zip(labels, test.get("confusion", []), strict=False)
    ]


def _costs(report: ReportData) -> list[tuple[str, str]]:
    timing = report.metrics.timing.as_dict()
    costs = [(mark("total time"), f"{timing['total_s']:.1f} s")] if "total_s" in timing else []
    costs += [(name, f"{timing[key]:.1f} s") for key, name in _STEPS.items() if key in timing]
    costs.append((mark("model size"), f"{report.size / 1e6:.1f} MB"))
    if report.speed:
        costs.append((mark("predicted texts per second"), f"{report.speed:,.0f}"))
    if report.memory:
        costs.append((mark("peak memory"), f"{report.memory / 1e6:,.0f} MB"))
    return costs


def _charts(report: ReportData) -> dict[str, list[tuple[str, str, str]]]:
    """Title, caption and SVG of the charts of each section."""
    from tenor.report import charts  # loads matplotlib

    history, results = report.model.bundle.history, []
    if report.curves:
        drawing = charts.precision_recall(report.curves)
        results.append((tr("Precision-recall curves"), charts.average_precisions(report.curves), drawing))
    if "reliability" in report.test:
        results.append((tr("Reliability diagram"), "", charts.reliability(report.test)))
    if report.pairs is not None:
        results.append((tr("Predicted against true values"), "", charts.values(report.pairs)))
    has_epochs = bool(history) and "epoch" in history[0] and "loss" in history[0]
    training = [(tr("Loss by epoch"), "", charts.learning(history))] if has_epochs else []
    return {"results": results, "training": training}
