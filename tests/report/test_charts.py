"""The charts of the report, drawn by matplotlib."""

import matplotlib as mpl
import numpy as np

from tenor.report import charts


def test_charts_are_the_same_whatever_the_settings_of_matplotlib_are() -> None:
    pairs = np.array([[1.0, 1.5], [2.0, 2.5], [3.0, 2.0]])
    drawn = charts.values(pairs)
    with mpl.rc_context({"figure.constrained_layout.use": True, "font.size": 30, "axes.grid": False}):
        assert charts.values(pairs) == drawn
