import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tenor
from helpers.command import Cli
from helpers.rows import chinese, english, write_csv
from tenor.data.builtin import BUILTINS
from tenor.errors import RenamedSettingWarning
from tenor.models.registry import FAMILIES

SEVEN = ["accuracy", "macro_f1", "log_loss", "roc_auc", "per_class", "confusion", "accuracy_interval"]


def test_train_prints_the_results_and_saves_the_model(cli: Cli, tmp_path: Path, english_csv: Path) -> None:
    ended = cli("train", "--family", "ngram", english_csv, "--out", tmp_path / "model")
    assert ended.code == 0
    for expected in (
        "accuracy  1.0000",
        "95% interval",
        "macro-F1",
        "log loss",
        "confusion",
        f"model: {tmp_path}/model",
    ):
        assert expected in ended.out
    assert "texts from column 'text', labels from column 'label'.\n" in ended.err
    assert "48 training texts, 12 test texts; labels: negative, positive.\n" in ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]
    assert {"tenor.json", "encoder.json", "weights.safetensors", "metrics.json", "manifest.json"} <= {
        path.name for path in (tmp_path / "model").iterdir()
    }


def test_train_json_is_one_line_with_the_metrics_and_the_timing(cli: Cli, tmp_path: Path, english_csv: Path) -> None:
    ended = cli("train", "--family", "ngram", english_csv, "--out", tmp_path / "model", "--json")
    assert (ended.code, ended.err, ended.out.count("\n")) == (0, "", 1)
    metrics = json.loads(ended.out)
    assert set(SEVEN) <= set(metrics["test"])
    assert 0 <= metrics["test"]["accuracy"] <= 1
    timing = metrics["timing"]
    assert {"read_s", "encode_s", "fit_s", "total_s"} <= set(timing)
    parts = sum(seconds for name, seconds in timing.items() if name != "total_s")
    assert 0 < parts <= timing["total_s"]
    assert metrics.pop("model") == str(tmp_path / "model")
    assert any("48 training texts" in note for note in metrics.pop("notes"))
    assert json.loads((tmp_path / "model" / "metrics.json").read_text(encoding="utf-8")) == metrics


def test_train_takes_a_run_file_and_options_come_first(cli: Cli, tmp_path: Path, chinese_csv: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text("seed = 3\ntest_size = 0.5\n[settings]\nword_ngrams = [1]\nC = 2.0\n", encoding="utf-8")
    arguments = ("--config", config, "--seed", "4", "--set", "C=5", "--out", tmp_path / "model", "--no-report")
    assert cli("train", "--family", "ngram", chinese_csv, *arguments).code == 0
    about = json.loads((tmp_path / "model" / "tenor.json").read_text(encoding="utf-8"))
    assert (about["seed"], about["data"]["rows"]) == (4, 30)
    assert (about["settings"]["word_ngrams"], about["settings"]["C"]) == ([1], 5.0)


def test_former_names_of_settings_are_read_with_a_warning(cli: Cli, tmp_path: Path, english_csv: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text("[settings]\norders = [1]\nweighting = 'tf-idf'\nstrength = 2.0\n", encoding="utf-8")
    arguments = ("--family", "ngram", "--out", tmp_path / "model", "--no-report", "--config", config, "--set", "C=5")
    with pytest.warns(RenamedSettingWarning) as warned:
        assert cli("train", english_csv, *arguments).code == 0
    assert [str(warning.message) for warning in warned] == [
        "settings of ngram: 'orders' is now 'word_ngrams', 'strength' is now 'C'; the former names still work."
    ]
    about = json.loads((tmp_path / "model" / "tenor.json").read_text(encoding="utf-8"))
    assert (about["settings"]["word_ngrams"], about["settings"]["C"]) == ([1], 5.0)
    assert not {"orders", "strength"} & about["settings"].keys()


def test_train_takes_the_data_of_a_run_file_unless_others_are_given(
    cli: Cli, tmp_path: Path, chinese_csv: Path, english_csv: Path
) -> None:
    config = tmp_path / "run.toml"
    config.write_text(f"data = '{chinese_csv}'\n[settings]\nword_ngrams = [1]\n", encoding="utf-8")
    ended = cli("train", "--config", config, "--family", "ngram", "--out", tmp_path / "model", "--no-report")
    assert ended.code == 0
    assert "labels: 好评, 差评." in ended.err
    ended = cli(
        "train", english_csv, "--config", config, "--family", "ngram", "--out", tmp_path / "other", "--no-report"
    )
    assert ended.code == 0
    assert "labels: negative, positive." in ended.err


def test_train_without_data_says_where_they_can_be_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("seed = 3\n", encoding="utf-8")
    for arguments in ((), ("--config", tmp_path / "run.toml")):
        ended = cli("train", "--family", "ngram", *arguments)
        assert (ended.code, ended.out) == (2, "")
        assert "Missing argument 'DATA'. Name the data there, or in a run file (--config) as data =" in ended.err


def test_train_drops_rows_when_asked(cli: Cli, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "in.csv", [*english(), ("", "positive"), ("a", "")])
    ended = cli(
        "train",
        "--family",
        "ngram",
        path,
        "--drop-empty",
        "--drop-unlabelled",
        "--test-size",
        "0",
        "--no-report",
        "--out",
        tmp_path / "model",
    )
    assert ended.code == 0
    assert "60 training texts, 0 test texts" in ended.err


def test_train_makes_a_new_folder_under_runs(
    cli: Cli, tmp_path: Path, english_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folders = [json.loads(cli("train", "--family", "ngram", english_csv, "--json").out)["model"] for _ in range(2)]
    assert folders == ["runs/reviews-ngram", "runs/reviews-ngram-2"]
    assert all((tmp_path / folder / "manifest.json").is_file() for folder in folders)


def acl_imdb(folder: Path) -> Path:
    """A folder in the lay-out of aclImdb: 60 texts under `train` and 20 under `test`."""
    for part, rows in (("train", english()), ("test", english(20, seed=1))):
        for number, (text, label) in enumerate(rows):
            path = folder / part / label[:3] / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return folder


def test_train_on_the_lay_out_of_acl_imdb_takes_each_part_as_such(cli: Cli, tmp_path: Path) -> None:
    ended = cli("train", "--family", "ngram", acl_imdb(tmp_path / "acl"), "--out", tmp_path / "model", "--no-report")
    assert ended.code == 0
    assert "60 training texts, 20 test texts; labels: neg, pos." in ended.err
    assert "train and a test folder; each is used as such." in ended.err


def test_a_folder_of_parts_is_measured_on_by_its_test_part(cli: Cli, tmp_path: Path) -> None:
    acl, model = acl_imdb(tmp_path / "acl"), tmp_path / "model"
    ended = cli("train", "--family", "ngram", acl / "train", "--test", acl, "--out", model, "--no-report")
    assert "60 training texts, 20 test texts; labels: neg, pos." in ended.err
    ended = cli("evaluate", model, acl)
    read = "texts from column 'text', labels from column 'label'.\n"
    assert (ended.code, ended.err) == (0, f"{acl} has a train and a test folder; the test folder is taken.\n{read}")
    assert "20 texts" in ended.out
    ended = cli("evaluate", model, acl, "--json")
    assert (ended.err, json.loads(ended.out)["rows"]) == ("", 20)


def test_predict_asks_which_part_of_a_folder(cli: Cli, tmp_path: Path, model_folder: Path) -> None:
    acl = acl_imdb(tmp_path / "acl")
    ended = cli("predict", model_folder, acl)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == f"error: acl: this folder has the parts train, test.\nGive one: {acl / 'test'}.\n"
    assert len(cli("predict", model_folder, acl / "test", "--json").out.splitlines()) == 20


def test_predict_does_not_take_a_built_in_name_for_a_text(cli: Cli, model_folder: Path) -> None:
    ended = cli("predict", model_folder, "imdb")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: imdb: this is a built-in dataset, which has its labels.\nMeasure on it with")
    assert len(cli("predict", model_folder, "-", stdin=b"imdb\n").out.splitlines()) == 1


def test_evaluate_measures_on_other_data(cli: Cli, tmp_path: Path, model_folder: Path) -> None:
    test = write_csv(tmp_path / "test.csv", english(40, seed=1))
    ended = cli("evaluate", model_folder, test, "--json")
    assert (ended.code, ended.err) == (0, "")
    metrics = json.loads(ended.out)
    assert metrics["rows"] == 40
    assert set(SEVEN) <= set(metrics)
    printed = cli("evaluate", model_folder, test)
    assert f"accuracy  {metrics['accuracy']:.4f}" in printed.out
    assert all(name in printed.out for name in ("negative", "positive", "precision", "confusion"))


def test_evaluate_refuses_labels_that_the_model_does_not_know(cli: Cli, model_folder: Path, chinese_csv: Path) -> None:
    ended = cli("evaluate", model_folder, chinese_csv)
    assert (ended.code, ended.out) == (1, "")
    assert "column 'label': the labels 好评, 差评 were not in the training data (60 such rows: 1, 2" in ended.err
    assert "Known labels: negative, positive. No row has one of them: is 'label' the column of the labels?" in ended.err


def test_predict_labels_a_text(cli: Cli, model_folder: Path) -> None:
    label, score = cli("predict", model_folder, "a wonderful, charming film").out.rstrip("\n").split("\t")
    assert label == "positive"
    assert 0.5 < float(score) <= 1
    answer = json.loads(cli("predict", model_folder, "boring and dull", "--json").out)
    assert list(answer) == ["label", "score"]
    assert answer["label"] == "negative"
    assert isinstance(answer["score"], float)


def test_predict_says_that_a_text_is_empty(cli: Cli, model_folder: Path) -> None:
    assert cli("predict", model_folder, "fine").err == ""
    ended = cli("predict", model_folder, " ")
    assert (ended.code, ended.err) == (0, "the text is empty; it is labelled like a text without a known word.\n")


def test_predict_takes_an_empty_or_long_text_for_a_text(cli: Cli, model_folder: Path) -> None:
    for text in ("", "superb " * 2_000, "superb\nfilm"):
        ended = cli("predict", model_folder, text, "--json")
        assert (ended.code, list(json.loads(ended.out))) == (0, ["label", "score"])


def test_predict_writes_a_text_into_a_file_too(cli: Cli, tmp_path: Path, model_folder: Path) -> None:
    assert cli("predict", model_folder, "superb, warm", "-o", tmp_path / "out.csv").code == 0
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").startswith('text,label,score\n"superb, warm",positive,0.')


def test_predict_reads_lines_from_standard_input(cli: Cli, model_folder: Path) -> None:
    ended = cli("predict", model_folder, "-", stdin=b"superb\n\nboring\n")
    assert (ended.code, ended.err) == (0, "")
    labels = [line.split("\t")[0] for line in ended.out.splitlines()]
    assert (labels[0], labels[2], len(labels)) == ("positive", "negative", 3)
    ended = cli("predict", model_folder, "-", "--json", stdin="好 superb".encode())
    answer = json.loads(ended.out)
    assert (answer["text"], answer["label"]) == ("好 superb", "positive")
    assert cli("predict", model_folder, "-", stdin=b"").out == ""
    refused = cli("predict", model_folder, "-", stdin=b"superb\nbor\xffing\n")
    assert refused.code == 1
    assert refused.err.startswith("error: standard input, row 2: byte 10 of the file is not valid UTF-8.\n")


def test_predict_prints_or_writes_the_rows_of_a_file(cli: Cli, tmp_path: Path, model_folder: Path) -> None:
    path = write_csv(tmp_path / "in.csv", [("superb", "a, b"), ("boring\nfilm", "")], ("text", "note"))
    printed = cli("predict", model_folder, path)
    assert (printed.code, printed.err) == (0, "texts from column 'text'.\n")
    rows = list(csv.DictReader(printed.out.splitlines(keepends=True)))
    assert [list(row.values())[:3] for row in rows] == [
        ["superb", "a, b", "positive"],
        ["boring\nfilm", "", "negative"],
    ]
    out = tmp_path / "out.csv"
    ended = cli("predict", model_folder, path, "-o", out)
    read = "texts from column 'text'.\n"
    assert (ended.code, ended.out, ended.err) == (0, "", f"{read}2 rows: {out}\n")
    assert out.read_text(encoding="utf-8") == printed.out
    write_csv(path, [("superb", "a"), ("", "b"), (" \t", "c")], ("text", "note"))
    ended = cli("predict", model_folder, path, "-o", out, "--overwrite")
    told = f"{read}3 rows, 2 of them without a text (labelled like a text without a known word): {out}\n"
    assert (ended.code, ended.err) == (0, told)
    lines = cli("predict", model_folder, path, "--json").out.splitlines()
    assert [list(json.loads(line)) for line in lines] == [["text", "note", "label", "score"]] * 3


def test_parts_are_trained_on_measured_and_labelled_as_one_table(cli: Cli, tmp_path: Path) -> None:
    rows = english()
    for part in range(3):
        write_csv(tmp_path / f"part-{part}.csv", rows[part::3])
    pattern, model = tmp_path / "part-*.csv", tmp_path / "model"
    ended = cli("train", "--family", "ngram", pattern, "--out", model, "--test-size", "0", "--no-report")
    assert ended.code == 0
    assert "60 training texts, 0 test texts; labels: negative, positive.\n" in ended.err
    assert json.loads(cli("evaluate", model, pattern, "--json").out)["rows"] == 60
    printed = list(csv.DictReader(cli("predict", model, pattern).out.splitlines()))
    assert [(row["text"], row["predicted_label"]) for row in printed] == [*rows[::3], *rows[1::3], *rows[2::3]]
    missing = cli("predict", model, tmp_path / "no-*.csv")
    assert (missing.code, missing.out) == (1, "")
    assert missing.err.endswith("no-*.csv: no file matches this pattern.\nCheck the path.\n")
    assert cli("predict", model, "Was it superb?").out.startswith("positive\t")


def test_train_and_evaluate_read_a_table_from_standard_input(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = "".join(f"__label__{label} {text}\n" for text, label in chinese()).encode()
    assert cli("train", "--family", "ngram", "-", "--no-report", stdin=lines).out.endswith(
        "\nmodel: runs/stdin-ngram\n"
    )
    assert json.loads(cli("evaluate", "runs/stdin-ngram", "-", "--json", stdin=lines).out)["accuracy"] == 1.0
    ended = cli("train", "--family", "ngram", "-", stdin=b"")
    assert (ended.code, ended.err.splitlines()[0]) == (1, "error: standard input: the file is empty.")


@pytest.mark.parametrize(
    ("data", "name"), [("*.csv", "data-ngram"), ("part-*.csv", "part-ngram"), ("../data/*.[ct]sv", "data-ngram")]
)
def test_a_model_of_a_pattern_has_a_plain_name(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str, name: str
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write_csv(folder / "part-0.csv", english())
    monkeypatch.chdir(folder)
    assert cli("train", "--family", "ngram", data, "--no-report").out.endswith(f"\nmodel: runs/{name}\n")


def test_datasets_lists_the_built_in_data(cli: Cli) -> None:
    printed, listed = cli("datasets").out, json.loads(cli("datasets", "--json").out)
    assert [row["name"] for row in listed] == list(BUILTINS)
    for row in listed:
        assert {"rows", "classes", "language", "source", "licence", "package", "files"} <= set(row)
        assert all(part in printed for part in (row["name"], f"{row['rows']:,} rows", row["source"], row["licence"]))


def test_families_lists_the_families_and_their_settings(cli: Cli) -> None:
    printed, listed = cli("families").out, json.loads(cli("families", "--json").out)
    assert [row["name"] for row in listed] == list(FAMILIES)
    assert all(f"{row['name']}: {row['summary']}" in printed for row in listed)
    assert all(f"  {key} = " in printed for row in listed for key in row["settings"])
    assert "  distil = none\n" in printed and "  word_ngrams = chosen by validation\n" in printed


def test_version_help_and_wrong_options(cli: Cli) -> None:
    assert cli("--version").out == f"tenor {tenor.__version__}\n"
    for command in ((), ("train",), ("evaluate",), ("predict",), ("datasets",), ("families",)):
        ended = cli(*command, "--help")
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.startswith("Usage: tenor")
    for wrong in (("trian",), ("train",), ("train", "a.csv", "--sed", "1"), ("train", "a.csv", "--seed", "x")):
        ended = cli(*wrong)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith("Usage: tenor")
        assert "Error: " in ended.err


def tenor_process(*arguments: object, **options: Any) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tenor", *map(str, arguments)]
    return subprocess.run(command, text=True, timeout=60, env={**os.environ, "PYTHONUTF8": "1"}, check=False, **options)


@pytest.mark.parametrize("arguments", [["--help"], ["predict", "{model}", "a text"], ["predict", "{model}", "{file}"]])
def test_help_and_prediction_with_ngrams_load_no_network_library(
    arguments: list[str], model_folder: Path, english_csv: Path
) -> None:
    filled = [part.format(model=model_folder, file=english_csv) for part in arguments]
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr))\n"
        f"sys.argv = {['tenor', *filled]!r}\n"
        "from tenor.cli import main; main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0
    loaded = set(ended.stderr.split())
    assert "typer" in loaded
    assert not loaded & {"keras", "tensorflow", "jax", "torch"}
    if arguments == ["--help"]:
        assert not loaded & {"numpy", "scipy", "sklearn", "pyarrow"}


def test_an_interruption_while_the_command_loads_has_no_traceback() -> None:
    program = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'tenor.cli.train': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from tenor.__main__ import run; run()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_a_command_ends_without_a_last_search_for_garbage() -> None:
    """With TensorFlow loaded, that search takes seconds, in which Ctrl-C seems to do nothing."""
    program = (
        "import atexit, gc, sys\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 0))\n"
        "sys.argv = ['tenor', '--version']\n"
        "from tenor.__main__ import run; run()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.splitlines()[-1] == "True"


def test_output_that_is_full_or_no_longer_read_ends_the_command_quietly(model_folder: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        for arguments in (("families",), ("predict", model_folder, "superb")):
            ended = tenor_process(*arguments, stdout=full, stderr=subprocess.PIPE)
            assert (ended.returncode, ended.stderr) == (
                *(1, "error: standard output: No space left on device.\nFree some space.\n"),
            )
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w", encoding="utf-8") as broken:
        ended = tenor_process("families", "--json", stdout=broken, stderr=subprocess.PIPE)
    assert ended.stderr == ""
    assert ended.returncode in (1, 141)


def test_two_languages_in_one_file(cli: Cli, tmp_path: Path) -> None:
    names = {"好评": "positive", "差评": "negative"}
    rows = english() + [(text, names[label]) for text, label in chinese()]
    data, model = write_csv(tmp_path / "in.csv", rows), tmp_path / "model"
    assert cli("train", "--family", "ngram", data, "--out", model, "--no-report").code == 0
    answers = [cli("predict", model, text).out.split("\t")[0] for text in ("superb film", "很差，失望")]
    assert answers == ["positive", "negative"]


def test_evaluate_takes_the_columns_that_the_model_was_trained_on(cli: Any, english_csv: Path, tmp_path: Path) -> None:
    rows = english_csv.read_text(encoding="utf-8").splitlines()[1:]
    data = tmp_path / "odd.csv"
    data.write_text("\n".join(["body,kind,comment", *(f"{row},nothing" for row in rows)]), encoding="utf-8")
    model = tmp_path / "model"
    columns = ("--text", "body", "--label", "kind")
    assert cli("train", "--family", "ngram", data, *columns, "--out", model, "--no-report").code == 0
    assert cli("evaluate", model, data).code == 0


def test_labels_of_the_test_file_are_checked_before_training(cli: Any, english_csv: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("text,label\na film,odd\n", encoding="utf-8")
    ended = cli("train", "--family", "ngram", english_csv, "--test", other, "--out", tmp_path / "model")
    assert ended.code == 1
    assert "the label 'odd' was not in the training data" in ended.err
    assert not (tmp_path / "model").exists()


def test_texts_that_are_in_both_parts_are_told(cli: Any, english_csv: Path, tmp_path: Path) -> None:
    parts = (english_csv, "--test", english_csv)
    ended = cli("train", "--family", "ngram", *parts, "--out", tmp_path / "model", "--no-report")
    assert ended.code == 0
    assert "test texts are also in the training data" in ended.err


def test_a_folder_that_cannot_be_made_is_refused_before_training(cli: Any, english_csv: Path) -> None:
    ended = cli("train", "--family", "ngram", english_csv, "--out", english_csv / "model")
    assert ended.code == 1
    assert "the folder cannot be created in" in ended.err


def test_none_in_a_run_file_is_off(cli: Any, english_csv: Path, tmp_path: Path) -> None:
    run = tmp_path / "run.toml"
    run.write_text('[settings]\nC = "none"\nword_ngrams = [1]\n', encoding="utf-8")
    trained = cli(
        "train", english_csv, "--family", "ngram", "--config", run, "--out", tmp_path / "model", "--no-report"
    )
    assert trained.code == 0


def test_chinese_goes_to_a_terminal_that_knows_ascii_alone(model_folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("text\n房间很脏\n", encoding="utf-8")
    command = [sys.executable, "-m", "tenor", "predict", str(model_folder), str(data)]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(command, capture_output=True, env=environment, check=True)
    assert rb"\u623f" in ended.stdout


def test_a_closed_standard_output_is_no_traceback(model_folder: Path) -> None:
    command = f"{sys.executable} -m tenor predict {model_folder} film >&-"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert ended.returncode == 0
    assert b"Traceback" not in ended.stderr


def test_the_slices_of_a_requested_column_are_printed(cli: Cli, tmp_path: Path, model_folder: Path) -> None:
    rows = [(text, label, "ab"[row % 2], str(row)) for row, (text, label) in enumerate(english(40))]
    path = write_csv(tmp_path / "in.csv", rows, ("text", "label", "shop", "day of 1"))  # type: ignore[arg-type]
    ended = cli("evaluate", model_folder, path, "--slice", "shop", "--slice", "day of 1")
    assert ended.code == 0
    lines = ended.out.splitlines()
    at = lines.index("by shop (accuracy, 95% interval)")
    assert {line.split()[0] for line in lines[at + 1 : at + 3]} == {"a", "b"}
    assert all(line.endswith("20 texts)") for line in lines[at + 1 : at + 3])
    assert (
        lines[lines.index("by day of 1 (accuracy, 95% interval)") + 1]
        == "no slice has 10 texts, or all texts are in one"
    )
