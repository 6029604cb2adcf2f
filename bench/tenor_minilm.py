"""Tenor: a model of MiniLM to predict with, and the time of its export: `python tenor_minilm.py FOLDER TOKENS`.

FOLDER gets two models, `float32` and `int8`. What they predict counts for nothing here, so few texts teach the head.
"""

import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from imdb import drawn, print_measurements
from tenor import TextClassifier
from tenor.inference.predictor import Predictor
from tenor.models.onnx import export
from tenor.training import export as exporting

TEXTS = 100


def main() -> None:
    """Fit the head, write both models, print the measurements."""
    folder, tokens = Path(sys.argv[1]), int(sys.argv[2])
    texts, labels = drawn(TEXTS)
    settings = {
        "tune": "frozen",
        "max_length": tokens,
        "predict_truncation": "both",
        "epochs": 1,
    }  # cut, as the peers do
    fitted = TextClassifier("pretrained", settings, random_state=7).fit(texts, labels)
    start = perf_counter()
    predictor = exporting.export_float32(fitted.predictor_, texts[:24])
    export_s = perf_counter() - start
    model = predictor.bundle.model
    predictor.save(folder / "float32")
    Predictor(replace(predictor.bundle, model=export.quantised(model.network, model))).save(folder / "int8")
    print_measurements(export_s=export_s)


if __name__ == "__main__":
    main()
