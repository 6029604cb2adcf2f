"""The command line in Chinese: by --lang, by the variable and by the locale."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from helpers.rows import chinese, write_csv

ENGLISH = re.compile(r"\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b")
COMMAND = re.compile(r"tenor [a-z]+( [a-z]+)?")


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = chinese()
    return write_csv(
        tmp_path_factory.mktemp("chinese") / "评论.csv", [*rows, ("很好", "差"), ("很好", "好"), ("?", "好")]
    )


@pytest.fixture(scope="module")
def model(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tenor.config.run_config import RunConfig
    from tenor.training import pipeline

    out = tmp_path_factory.mktemp("model") / "m"
    pipeline.train(RunConfig(str(reviews), family="ngram", out=str(out), report=False))
    return out


def english(text: str) -> list[str]:
    """The runs of three English words in a text; its commands are not counted."""
    assert re.search("[\u4e00-\u9fff]", text), text
    return ENGLISH.findall(COMMAND.sub("", text))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("train", "--help"),
        ("predict", "--help"),
        ("corrections", "export", "--help"),
        ("check", "{reviews}"),
        ("train", "{reviews}", "--family", "ngram", "--out", "{tmp}/m", "--no-report"),
        ("train", "{reviews}", "--family", "ngram", "--out", "{tmp}/m", "--no-report", "--folds", "3"),
        ("evaluate", "{model}", "{reviews}", "--slice", "label"),
        ("compare", "{model}", "{model}", "--data", "{reviews}"),
        ("predict", "{model}", "{reviews}", "--out", "{tmp}/o.csv"),
        ("explain", "{model}", "房间很干净"),
        ("models",),
        ("verify", "{model}"),
        ("help",),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_what_a_command_says_is_chinese(
    cli: Any, reviews: Path, model: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    values = {"reviews": reviews, "model": model, "tmp": tmp_path}
    ended = cli(*(argument.format(**values) for argument in arguments), "--lang", "zh")
    assert english(ended.out + ended.err) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "missing.csv"),
        ("train", "{reviews}", "--label", "nothing"),
        ("train", "{reviews}", "--set", "foo=1"),
        ("train", "{reviews}", "--family", "nothing"),
        ("train", "{reviews}", "--seed", "x"),
        ("predict",),
        ("evaluate", "{reviews}", "{reviews}"),
        ("nothing",),
    ],
    ids=" ".join,
)
def test_an_error_is_chinese(cli: Any, reviews: Path, arguments: tuple[str, ...]) -> None:
    ended = cli(*(argument.format(reviews=reviews) for argument in arguments), "--lang", "zh")
    assert ended.code in (1, 2)
    assert english(ended.err) == []


@pytest.mark.parametrize(
    ("variables", "expected"),
    [({"LANG": "zh_CN.UTF-8"}, "没有这个文件"), ({"LANG": "zh_CN.UTF-8", "TENOR_LANG": "en"}, "there is no such file")],
)
def test_the_language_of_a_process_is_that_of_the_locale(
    tmp_path: Path, variables: dict[str, str], expected: str
) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in ("TENOR_LANG", "LC_ALL", "LC_MESSAGES")}
    done = subprocess.run(
        [sys.executable, "-m", "tenor", "train", "missing.csv"],
        cwd=tmp_path,
        env=kept | variables,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert expected in done.stderr


def test_a_model_trained_in_one_language_is_used_in_the_other(cli: Any, model: Path, reviews: Path) -> None:
    ended = cli("predict", model, "房间很干净", "--lang", "zh")
    assert ended.out == cli("predict", model, "房间很干净", "--lang", "en").out


def test_what_programs_read_is_the_same_in_every_language(cli: Any, model: Path) -> None:
    outputs = [cli("predict", model, "?", "--coverage", "0.99", "--lang", language).out for language in ("en", "zh")]
    assert outputs[0] == outputs[1] and ", " in outputs[0]
