import json
from pathlib import Path

import pytest

from helpers.command import Cli
from helpers.rows import chinese, write_csv
from tenor import load
from tenor.config.run_config import RunConfig
from tenor.training import pipeline


def test_a_text_is_explained_in_lines(cli: Cli, model_folder: Path) -> None:
    ended = cli("explain", model_folder, "the film was dull, the music warm")
    assert (ended.code, ended.err) == (0, "")
    first, shown, speaks_for, against, faithful = ended.out.splitlines()
    label, score = first.split("  ")
    assert score == f"{load(model_folder).predict_proba([shown]).max():.4f}"
    assert shown == "the film was dull, the music warm"
    assert speaks_for.startswith("for      dull +" if label == "negative" else "for      warm +")
    assert against.startswith("against  warm -" if label == "negative" else "against  dull -")
    assert faithful.startswith("faithfulness: without the strongest words the score falls by 0.")


def test_json_has_the_spans_of_the_text(cli: Cli, model_folder: Path) -> None:
    text = "😀 a dull film"
    ended = cli("explain", model_folder, text, "--json", "--label", "negative", "--label", "positive")
    told = json.loads(ended.out)
    assert (ended.out.count("\n"), told["family"], told["strongest"]) == (1, "ngram", {})
    [result] = told["texts"]
    assert (result["text"], result["unread"], result["nearest"], result["attention"]) == (text, [], [], [])
    for evidence in result["labels"]:
        parts = {text[span["begin"] : span["end"]]: span["weight"] for span in evidence["spans"]}
        assert list(parts) == ["😀", "a", "dull", "film"]
        assert evidence["base"] + sum(parts.values()) == pytest.approx(evidence["logit"], abs=1e-4)
    assert set(result["faithfulness"]) == {"strongest", "random", "difference"}


def test_a_file_its_first_texts_a_page_and_the_training_texts(
    cli: Cli, model_folder: Path, english_csv: Path, tmp_path: Path
) -> None:
    page = tmp_path / "why.html"
    asked = ("--first", "3", "--data", english_csv, "--nearest", english_csv, "--html", page, "--top", "4")
    ended = cli("explain", model_folder, english_csv, *asked)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.count("\nfaithfulness: ") == 3
    assert ended.out.count("near 1.000  row ") == 3
    assert "over these 3 texts: without the strongest words" in ended.out
    assert "strongest for positive in reviews.csv" in ended.out
    assert ended.out.endswith(f"page: {page}\n")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert cli("explain", model_folder, "a", "--html", page).err.startswith(f"error: {page}: this exists already.")
    assert cli("explain", model_folder, "a", "--html", page, "--overwrite").code == 0


def test_the_labels_of_a_model_without_a_text(cli: Cli, model_folder: Path, english_csv: Path) -> None:
    told = json.loads(cli("explain", model_folder, "--data", english_csv, "--top", "2", "--json").out)
    assert told["texts"] == []
    assert {label: len(strong) for label, strong in told["strongest"].items()} == {"negative": 2, "positive": 2}


def test_chinese_from_standard_input(cli: Cli, tmp_path: Path) -> None:
    folder = pipeline.train(
        RunConfig(str(write_csv(tmp_path / "评论.csv", chinese())), family="ngram", out=str(tmp_path / "模型"))
    ).folder
    ended = cli("explain", folder, "-", "--json", stdin="服务很差，糟糕\n\n".encode())
    [first, empty] = json.loads(ended.out)["texts"]
    assert first["labels"][0]["label"] == "差评"
    assert (empty["text"], empty["labels"][0]["spans"]) == ("", [])


def test_what_is_wrong_is_said_in_two_lines(cli: Cli, model_folder: Path, english_csv: Path, tmp_path: Path) -> None:
    def problem(*arguments: object) -> str:
        ended = cli("explain", model_folder, *arguments)
        assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 2)
        return ended.err

    assert "there is nothing to explain" in problem()
    assert "are about a text, and there is none" in problem("--data", english_csv, "--nearest", english_csv)
    assert "has no label 'good'" in problem("a", "--label", "good")
    assert "the family 'ngram' has no attention" in problem("a", "--attention")
    assert "there is no such file" in problem("missing.csv")
    assert "echo TEXT | tenor explain MODEL -" in problem("missing.csv")
    assert "there is no such file" in problem("a", "--nearest", tmp_path / "missing.csv")
    assert "the page cannot be written" in problem("a", "--html", tmp_path / "no" / "page.html")
    assert cli("explain", model_folder, "a", "--top", "0").code == 2
