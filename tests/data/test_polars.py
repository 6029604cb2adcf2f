"""Tables of polars in Python, where polars is installed: fit, predict, labels, weights, and lazy ones."""

import datetime
from pathlib import Path

import pytest

import tenor
from tenor import TextClassifier
from tenor.errors import DataError

polars = pytest.importorskip("polars")


def frame() -> "polars.DataFrame":
    words = [("lovely bright room", "pos"), ("awful dirty smell", "neg")] * 20
    return polars.DataFrame(
        {
            "body": [f"{text} {row}" for row, (text, _) in enumerate(words)],
            "price": [float(row % 7) for row in range(40)],
            "country": polars.Series(["de", "fr", None, "de"] * 10, dtype=polars.Categorical),
            "day": [datetime.date(2024, 1, 1 + row % 28) for row in range(40)],
            "label": [label for _, label in words],
        }
    )


def test_fit_and_predict_take_and_give_polars(tmp_path: Path) -> None:
    table = frame()
    model = TextClassifier("ngram", text="body", features=("price", "country", "day"))
    model.fit(table.drop("label"), table["label"], sample_weight=table["price"] + 1)
    assert [each.kind for each in model.fields_.columns] == ["text", "number", "category", "date"]
    assert model.predict(table.drop("label")).tolist() == table["label"].to_list()
    model.save(tmp_path / "m")
    labelled = tenor.predict(tmp_path / "m", table, coverage=0.9)
    assert isinstance(labelled, polars.DataFrame)
    assert labelled.columns[-3:] == ["predicted_label", "predicted_set", "predicted_score"]
    assert labelled["predicted_label"].to_list() == table["label"].to_list()
    one = TextClassifier("ngram").fit(table["body"], table.select("label"))
    assert one.predict(table["body"]).tolist() == table["label"].to_list()


def test_a_lazy_frame_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a LazyFrame of polars, which has no rows yet\. Call its collect\(\) first"):
        TextClassifier("ngram").fit(frame().lazy(), frame()["label"])
