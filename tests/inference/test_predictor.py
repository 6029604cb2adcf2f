from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow
import pytest

from tenor import TextClassifier
from tenor.errors import DataError
from tenor.inference.predictor import Predictor

TEXTS = ["good film", "fine film", "bad film", "poor film"] * 5
LABELS = ["yes", "yes", "no", "no"] * 5


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return TextClassifier().fit(TEXTS, LABELS).predictor_


def test_label_gives_the_class_and_its_probability(predictor: Predictor) -> None:
    probabilities = predictor.predict_proba(TEXTS)
    pairs = predictor.predict_scored(TEXTS)
    assert [label for [(label, _)] in pairs] == LABELS
    assert [score for [(_, score)] in pairs] == pytest.approx(probabilities.max(axis=1).tolist())


def test_arrays_and_tuples_are_texts_too(predictor: Predictor) -> None:
    expected = predictor.predict(TEXTS).tolist()
    assert predictor.predict(tuple(TEXTS)).tolist() == expected
    assert predictor.predict(np.array(TEXTS, dtype=object)).tolist() == expected


def test_one_string_is_refused(predictor: Predictor) -> None:
    with pytest.raises(DataError, match="one string was given instead of a list"):
        predictor.predict("good film")


class Series:
    """A column as polars has it: no array of NumPy, and `to_list`."""

    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def to_list(self) -> list[Any]:
        return self._values

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("a column is converted as a whole")


def test_columns_of_tables_and_iterators_are_texts_too(predictor: Predictor) -> None:
    expected = predictor.predict(TEXTS).tolist()
    assert predictor.predict(Series(TEXTS)).tolist() == expected  # type: ignore[arg-type]
    assert predictor.predict(pyarrow.array(TEXTS)).tolist() == expected
    assert predictor.predict(pyarrow.chunked_array([TEXTS[:3], TEXTS[3:]])).tolist() == expected
    assert predictor.predict(pyarrow.table({"text": TEXTS})["text"]).tolist() == expected
    assert predictor.predict(iter(TEXTS)).tolist() == expected  # type: ignore[arg-type]
    assert predictor.predict(text for text in TEXTS).tolist() == expected  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"^text 1, counted from 0, is NoneType None, not a string\. Give strings"):
        predictor.predict(pyarrow.array(["a", None]))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_series_are_texts_too(predictor: Predictor, library: str) -> None:
    module = pytest.importorskip(library)
    assert predictor.predict(module.Series(TEXTS)).tolist() == predictor.predict(TEXTS).tolist()
    frame = module.DataFrame({"text": TEXTS, "other": range(len(TEXTS))})
    assert predictor.predict(frame).tolist() == predictor.predict(TEXTS).tolist()
    with pytest.raises(DataError, match=r"^text 1, counted from 0, is \w+ .*, not a string\. Give strings"):
        predictor.predict(module.Series(["a", None]))


@pytest.mark.parametrize("table", [{"a": 1}, {"a"}, np.array([["a", "c"], ["b", "d"]]), None, 3])
def test_what_is_neither_texts_nor_a_table_is_refused(predictor: Predictor, table: object) -> None:
    with pytest.raises(DataError, match="instead of texts"):
        predictor.predict(table)  # type: ignore[arg-type]


def test_an_array_of_one_column_has_texts(predictor: Predictor) -> None:
    assert predictor.predict(np.array(TEXTS, object)[:, None]).tolist() == predictor.predict(TEXTS).tolist()


def test_a_number_among_the_texts_is_refused(predictor: Predictor) -> None:
    with pytest.raises(DataError, match="text 1, counted from 0, is int 3, not a string"):
        predictor.predict(["good", 3])  # type: ignore[list-item]


def test_a_text_of_ten_megabytes(predictor: Predictor) -> None:
    assert predictor.predict(["good film " * 1_000_000]).tolist() == ["yes"]


def test_a_score_is_bitwise_the_same_alone_and_in_a_batch(predictor: Predictor) -> None:
    texts = [f"good film number {index} " * (index % 7) for index in range(500)]
    together = predictor.predict_proba(texts)
    assert all(
        np.array_equal(predictor.predict_proba([text])[0], row) for text, row in zip(texts, together, strict=True)
    )
