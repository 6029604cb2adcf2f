"""Charts as SVG for a page of HTML: text stays text, and colours are the page's, light or dark."""

import io
import re
import warnings
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tenor._core.language import join_names, mark, sentences, tr
from tenor._core.printable import printable
from tenor._core.records import JsonMapping, JsonObject
from tenor.report.report_data import Curve

Translate = Callable[[str], str]

# Colours for matplotlib, which the page replaces by its own.
_INK, _LINE = "#0a0b0c", "#0a0b0d"
_SERIES = tuple(f"#0a0b{number:02x}" for number in range(0x10, 0x16))
_STYLES = ("-", "--", ":", "-.", (0, (5, 1)), (0, (1, 1)))  # distinguished without colours too
_COLOURS = {
    _INK: "var(--ink)",
    _LINE: "var(--line)",
    **{colour: f"var(--series-{number})" for number, colour in enumerate(_SERIES)},
}
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "tenor",
    "font.size": 10,
    "font.family": "sans-serif",
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _LINE,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.autolayout": False,  # whatever the user's own settings are
    "figure.constrained_layout.use": False,
    "figure.facecolor": "none",
    "grid.color": _LINE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "xtick.color": _INK,
    "ytick.color": _INK,
}
_FONTS = re.compile(r"'DejaVu Sans'[^;\"]*")
_PLOT = (0.18, 0.14, 0.8, 0.83)  # left, bottom, width, height: room for numbers of seven characters
_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}


def learning(history: Sequence[JsonMapping]) -> str:
    """Training and validation loss by epoch."""
    epochs = [float(row["epoch"]) for row in history]

    def draw(axes: Axes) -> None:
        axes.set(xlabel=tr("epoch"), ylabel=tr("loss"))
        locator = axes.xaxis.get_major_locator()
        assert isinstance(locator, MaxNLocator)
        locator.set_params(integer=True)
        for number, (key, name) in enumerate({"loss": mark("training"), "validation_loss": mark("validation")}.items()):
            values = [float(row[key]) for row in history if row.get(key) not in (None, "")]
            if len(values) == len(epochs):
                axes.plot(epochs, values, ls=_STYLES[number], c=_SERIES[number], marker="o", label=tr(name))
        axes.legend()

    return _svg(draw, tr("Loss by epoch"))


def precision_recall(curves: Sequence[Curve]) -> str:
    """Precision-recall curves, one for each label."""

    def draw(axes: Axes) -> None:
        axes.set(xlabel=tr("recall"), ylabel=tr("precision"), xlim=(0, 1.01), ylim=(0, 1.01))
        for number, curve in enumerate(curves):
            label = curve.label if len(curve.label) <= 24 else curve.label[:23] + "…"
            axes.plot(curve.recall, curve.precision, ls=_STYLES[number], c=_SERIES[number], label=_literal(label))
        axes.legend(loc="lower left")

    return _svg(draw, sentences(tr("{title}.", title=tr("Precision-recall curves")), average_precisions(curves)))


def average_precisions(curves: Sequence[Curve]) -> str:
    """The average precision of each curve, as a sentence without its full stop."""
    areas = (tr("{place}: {problem}", place=curve.label, problem=f"{curve.average_precision:.3f}") for curve in curves)
    return tr("{place}: {problem}", place=tr("average precision"), problem=join_names(areas))


def reliability(test: JsonObject) -> str:
    """Accuracy by confidence, before and after calibration."""
    curves = {mark("calibrated"): test} | ({mark("before"): test["uncalibrated"]} if "uncalibrated" in test else {})

    def draw(axes: Axes) -> None:
        axes.set(xlabel=tr("confidence"), ylabel=tr("accuracy"), xlim=(0, 1.01), ylim=(0, 1.01))
        axes.plot([0, 1], [0, 1], c=_INK, lw=0.8, label=tr("perfect"))
        for number, (name, measured) in enumerate(curves.items()):
            bins = measured["reliability"]
            across, up = [row["confidence"] for row in bins], [row["accuracy"] for row in bins]
            axes.plot(across, up, ls=_STYLES[number], c=_SERIES[number], marker="o", ms=4, label=tr(name))
        axes.legend(loc="upper left")

    errors = join_names(f"{tr(name)} {row['expected_calibration_error']:.4f}" for name, row in curves.items())
    measured = tr("{place}: {problem}", place=tr("expected calibration error"), problem=errors)
    return _svg(draw, sentences(tr("{title}.", title=tr("Reliability diagram")), measured))


def values(pairs: npt.NDArray[np.float64]) -> str:
    """Predicted values against true values."""

    def draw(axes: Axes) -> None:
        axes.set(xlabel=tr("true value"), ylabel=tr("predicted value"))
        ends = [pairs.min(), pairs.max()]
        axes.plot(ends, ends, c=_INK, lw=0.8)
        axes.plot(pairs[:, 0], pairs[:, 1], "o", c=_SERIES[0], ms=3, alpha=0.5)

    return _svg(draw, tr("Predicted against true values"))


def _svg(draw: Callable[[Axes], None], title: str) -> str:
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        # Its own fonts only measure text here; a browser draws it.
        warnings.filterwarnings("ignore", r"Glyph \d+")
        # matplotlib's own layouts measure every text several times, which takes longer than drawing.
        figure = Figure(figsize=(5.2, 3.6))
        draw(figure.add_axes(_PLOT))
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata=_METADATA)
    drawn = stream.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<g id=\"[^\"]*\"", "<g", drawn)  # the same in every chart
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    drawn = _FONTS.sub("system-ui, sans-serif", drawn)
    for colour, name in _COLOURS.items():
        drawn = drawn.replace(colour, name)
    return drawn.replace("<svg", f'<svg role="img" aria-label="{escape(printable(title))}"', 1)


def _literal(label: str) -> str:
    """A label as matplotlib shows it: no formula, and not hidden where it begins with an underscore."""
    escaped = printable(label).replace("$", r"\$")
    return f"\u200b{escaped}" if label.startswith("_") else escaped
