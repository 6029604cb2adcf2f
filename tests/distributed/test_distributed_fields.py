"""Rows of several fields on a cluster: the same model as on one machine, and labels for many files."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenor
from tenor.config.run_config import RunConfig

HEADER = ["title", "body", "price", "country", "label"]


def write(path: Path, first: int, last: int) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for row in range(first, last):
            word, verb, label = ("good", "liked", "pos") if row % 2 else ("bad", "hated", "neg")
            price = "" if row % 9 == 0 else row * row % 17 / 2
            writer.writerow([f"a {word} film {row}", f"we {verb} it, {row}", price, ("de", "fr", "")[row % 3], label])


@pytest.mark.ray
@pytest.mark.usefixtures("two_nodes")
def test_training_and_prediction_read_the_fields(cli: Any, tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / f"part{number}.csv", 100 * number, 100 * number + 100)
    names = ["--text", "title", "--text", "body", "--feature", "price", "--feature", "country"]
    settings = ["--set", "word_ngrams=[1, 2]", "--set", "char_ngrams=[]", "--set", "weighting=tf-idf", "--set", "C=1.0"]
    train = ["train", tmp_path / "part*.csv", *names, *settings, "--family", "ngram", "--no-report"]
    result = cli(*train, "--out", tmp_path / "model", "--on", "ray", "--workers", "2")
    assert result.code == 0, result.err
    assert "features: price: number, country: category (2 values)." in result.err
    model = tenor.load(tmp_path / "model")
    assert [field.kind for field in model.fields.columns] == ["text", "text", "number", "category"]
    new: Any = [
        {"title": "a bad film", "body": "we hated it"},
        {"title": "a good film", "body": "we liked it", "price": 1},
    ]
    with pytest.warns(tenor.FieldWarning, match="there is no column country"):
        assert model.predict(new).tolist() == ["neg", "pos"]

    result = cli("predict", tmp_path / "model", tmp_path / "part*.csv", "-o", tmp_path / "out", "--on", "ray")
    assert result.code == 0, result.err
    labelled = list(csv.DictReader((tmp_path / "out" / "part2.csv").read_text().splitlines()))
    assert [row["predicted_label"] for row in labelled] == [row["label"] for row in labelled]


def test_the_rows_of_a_partition_have_all_fields(tmp_path: Path) -> None:
    from tenor.data import dataset, sources
    from tenor.distributed.partition import Partition

    write(tmp_path / "a.csv", 0, 40)
    run = RunConfig(str(tmp_path / "a.csv"), text=("title", "body"), features=("price",))
    head = dataset.read(tmp_path / "a.csv", sources.options_of(run))
    options = sources.with_columns_of(head, sources.options_of(run))
    partition = Partition()
    summary = partition.read((str(tmp_path / "a.csv"),), options)
    assert summary.rows == 40
    assert partition._data.fields == head.fields
    assert np.array_equal(list(partition._data.texts), list(head.texts))
