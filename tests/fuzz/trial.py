"""One folder that somebody changed: what loading it and a first prediction come to.

What may come: it is refused by an error of Tenor's own, or its answers are equal, or they are other answers of the same
form: finite numbers, probabilities between 0 and 1, labels in words, all of it JSON. A changed weight or label makes
another model, and nobody can tell that it was not trained so. Anything else is a fault.
"""

import json
import tempfile
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tenor.config.settings import make
from tenor.errors import BundleError, SettingsError, TenorError
from tenor.inference import bundle, predictor
from tenor.models.families import pretrained
from tenor.models.pretrained import huggingface
from tenor.tasks import Regression
from tenor.text import encoders

TEXTS = ["a good film", "", "so dull, 😀 film\u200b, number 7", "房间很干净，服务很好", "a" * 300, "b " * 200]
REFUSED, EQUAL, OTHER, FAULT = "refused", "equal", "other", "fault"


class Outcome(NamedTuple):
    """What came of it.

    Attributes:
        kind: REFUSED, EQUAL, OTHER or FAULT.
        detail: The error, or what is wrong.
        answers: What it answered, for comparison.
    """

    kind: str
    detail: str = ""
    answers: Any = None


def attempt(folder: Path, expected: Any, layout: str) -> Outcome:
    """Load the folder and predict.

    Args:
        folder: The folder.
        expected: What the unchanged folder answers; None: not known.
        layout: `model`, `encoder` (of `tenor pretrain`) or `huggingface`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            answers = ANSWERS[layout](folder)
        except (BundleError, SettingsError) as error:
            return Outcome(REFUSED, str(error)) if told_in_full(error, folder) else Outcome(FAULT, f"vague: {error}")
        except TenorError as error:
            return Outcome(REFUSED, str(error))
        except BaseException as error:  # a panic of the tokenizer is none of Exception
            return Outcome(FAULT, f"{type(error).__name__}: {error}")
    try:
        text = json.dumps(answers, allow_nan=False).encode()
    except ValueError as error:
        return Outcome(FAULT, f"answers are no JSON: {error}")
    if expected is None or json.dumps(expected).encode() == text:
        return Outcome(EQUAL, answers=answers)
    return Outcome(OTHER, answers=answers)


def told_in_full(error: TenorError, folder: Path) -> bool:
    """Whether the error names the folder, is one line, and is short."""
    named = str(folder) in str(error) or f"{folder.name}/" in str(error)  # the second: of a later prediction
    return named and len(str(error)) < 1_000 and "\n" not in str(error)


def of_model(folder: Path) -> Any:
    """Labels and probabilities, or values, with sets; and what a server says of the model."""
    model = predictor.load(folder)
    saved = model.bundle
    if isinstance(saved.task, Regression):
        values = model.predict(TEXTS)
        scores = [round(float(value), 4) for value in values]
    else:
        probabilities = model.predict_proba(TEXTS)
        if not ((probabilities >= 0) & (probabilities <= 1)).all():
            raise ArithmeticError("a probability is out of range")
        scores = np.round(probabilities.astype(np.float64), 4).tolist()
    answers: dict[str, Any] = {"scores": scores, "labels": list(saved.task.labels)}
    if saved.conformal is not None and not isinstance(saved.task, Regression):
        model.check_coverage(0.9)
        answers["sets"] = [len(row) for row in model.predict_scored_sets(TEXTS, 0.9)[1]]
    with tempfile.TemporaryDirectory() as place:  # what was loaded can be saved
        model.save(Path(place) / "again")
    json.dumps([saved.metadata, saved.metrics.as_dict(), saved.history, list(saved.steps)], allow_nan=False).encode()
    return answers


def of_encoder(folder: Path) -> Any:
    """The ids of the texts, and a sum of the weights."""
    encoder = bundle.load_encoder(folder)
    texts = encoders.restore(encoder.text_encoder).encode(TEXTS, 24, "end")
    return {"ids": texts.ids.tolist(), "weights": weights_of(encoder.arrays)}


def of_huggingface(folder: Path) -> Any:
    """The same of a folder in Hugging Face's layout."""
    _, subwords = pretrained.encode(make(pretrained.Config, {"model": str(folder), "max_length": 20}, "fuzz"), [])
    ids = subwords.encode(TEXTS, 20, "end").ids.tolist()
    return {"ids": ids, "weights": weights_of(huggingface.read_weights(huggingface.read_folder(folder)))}


def weights_of(arrays: Any) -> dict[str, Any]:
    """What tells arrays from others; no JSON where one is not finite."""
    with np.errstate(over="ignore"):
        return {name: [list(array.shape), float(array.sum(dtype=np.float64))] for name, array in sorted(arrays.items())}


ANSWERS = {"model": of_model, "encoder": of_encoder, "huggingface": of_huggingface}
