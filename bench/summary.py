"""Write the table of results into README.md and README.zh.md, from results.json; `make bench` ends with it.

    python3 bench/summary.py            write both tables
    python3 bench/summary.py --check    exit with 1 if a table is out of date

A cell is a dash where its kind of processor has no measurement. Standard library only.
"""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

from tables import Row, Runs, skipped, table

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- results: written by bench/summary.py -->", "<!-- end of results -->"
KINDS = ("avx512-bf16", "avx2")
DASH = "–"
Parts = dict[str, dict[str, Runs]]
Shown = Callable[[float], str]
Over = Callable[[list[float]], float]


@dataclass(frozen=True)
class Value:
    """One measured number.

    Attributes:
        part: Part of the benchmark.
        program: Program of the part.
        names: Metrics whose sum is shown.
        shown: The number as text.
        over: What is shown of several runs.
    """

    part: str
    program: str
    names: tuple[str, ...]
    shown: Shown
    over: Over = median


Values = tuple[Value, ...]


@dataclass(frozen=True)
class Line:
    """One row of the table: what is measured, in both languages, and the numbers of the peers and of Tenor."""

    english: str
    chinese: str
    peers: dict[str, Values]
    tenor: Values


def accuracy(value: float) -> str:
    """An accuracy or an error, to three places."""
    return f"{value:.3f}"


def seconds(value: float) -> str:
    """A duration with its unit: to a tenth below ten seconds, then whole seconds."""
    return f"{value:.1f} s" if value < 9.95 else f"{value:,.0f} s"


def whole(value: float) -> str:
    """A rate, as a whole number."""
    return f"{value:,.0f}"


def mebibytes(value: float) -> str:
    """A size with its unit."""
    return f"{value:,.0f} MiB"


def _each(part: str, programs: tuple[str, ...], names: tuple[str, ...], shown: Shown, over: Over = median) -> Values:
    return tuple(Value(part, program, names, shown, over) for program in programs)


SETS = ("ag_news", "sst2", "sst5", "thucnews")
FIT = ("read_s", "encode_s", "choose_s", "fit_s")
SCRATCH = ("bag", "cnn", "transformer")
LINES = (
    Line(
        "`ngram` on IMDB, accuracy",
        "`ngram`，IMDB 准确率",
        {
            "scikit-learn": _each("ngram", ("sklearn",), ("accuracy",), accuracy),
            "fastText": _each("ngram", ("fasttext",), ("accuracy",), accuracy),
        },
        _each("ngram", ("tenor",), ("accuracy",), accuracy),
    ),
    Line(
        "`ngram`, read, encode and fit 25,000 reviews",
        "`ngram`，读取、编码、训练 25,000 条影评",
        {
            "scikit-learn": _each("ngram", ("sklearn",), ("read_s", "fit_s"), seconds),
            "fastText": _each("ngram", ("fasttext",), ("fit_s",), seconds),
        },
        _each("ngram", ("tenor",), FIT, seconds),
    ),
    Line(
        "`ngram`, predict 25,000 reviews",
        "`ngram`，预测 25,000 条影评",
        {"scikit-learn": _each("ngram", ("sklearn",), ("predict_s",), seconds)},
        _each("ngram", ("tenor",), ("predict_s",), seconds),
    ),
    Line(
        "`ngram` on AG News, SST-2, SST-5, THUCNews, accuracy",
        "`ngram`，AG News、SST-2、SST-5、THUCNews 准确率",
        {"scikit-learn": _each("labelled-sets", tuple(f"sklearn {name}" for name in SETS), ("accuracy",), accuracy)},
        _each("labelled-sets", tuple(f"tenor {name}" for name in SETS), ("accuracy",), accuracy),
    ),
    Line(
        "`ngram` on GoEmotions (28 labels), micro-F1, macro-F1",
        "`ngram`，GoEmotions（28 个标签）micro-F1、macro-F1",
        {
            "scikit-learn": (
                Value("labelled-sets", "sklearn goemotions", ("micro_f1",), accuracy),
                Value("labelled-sets", "sklearn goemotions", ("macro_f1",), accuracy),
            )
        },
        (
            Value("labelled-sets", "tenor goemotions", ("micro_f1",), accuracy),
            Value("labelled-sets", "tenor goemotions", ("macro_f1",), accuracy),
        ),
    ),
    Line(
        "`ngram` on IMDB, expected calibration error",
        "`ngram`，IMDB 期望校准误差",
        {"scikit-learn": _each("calibration", ("plain imdb",), ("expected_calibration_error",), accuracy)},
        _each("calibration", ("tenor imdb",), ("expected_calibration_error",), accuracy),
    ),
    Line(
        "`--budget` 10s, 1m, 5m, 10m, 30m on IMDB, accuracy",
        "`--budget` 10s、1m、5m、10m、30m，IMDB 准确率",
        {"scikit-learn": _each("budget", ("sklearn",), ("accuracy",), accuracy)},
        _each("budget", tuple(f"tenor {limit}" for limit in (10, 60, 300, 600, 1800)), ("accuracy",), accuracy),
    ),
    Line(
        "`--budget 1m` on AG News, SST-2, SST-5, accuracy",
        "`--budget 1m`，AG News、SST-2、SST-5 准确率",
        {
            "AutoGluon": _each(
                "budget-sets", tuple(f"{name} autogluon 60" for name in SETS[:3]), ("accuracy",), accuracy
            ),
            "FLAML": _each("budget-sets", tuple(f"{name} flaml 60" for name in SETS[:3]), ("accuracy",), accuracy),
        },
        _each("budget-sets", tuple(f"{name} tenor 60" for name in SETS[:3]), ("accuracy",), accuracy),
    ),
    Line(
        "`lstm` on IMDB, accuracy; training",
        "`lstm`，IMDB 准确率；训练时间",
        {
            "Keras script": (
                Value("lstm", "keras", ("accuracy",), accuracy),
                Value("lstm", "keras", ("read_s", "encode_s", "fit_s"), seconds),
            )
        },
        (
            Value("lstm", "tenor", ("accuracy",), accuracy),
            Value("lstm", "tenor", ("read_s", "encode_s", "fit_s"), seconds),
        ),
    ),
    Line(
        "`bag`, `cnn`, `transformer` on IMDB, accuracy",
        "`bag`、`cnn`、`transformer`，IMDB 准确率",
        {},
        _each("scratch", SCRATCH, ("accuracy",), accuracy),
    ),
    Line(
        "the same, training",
        "同上，训练时间",
        {},
        _each("scratch", SCRATCH, ("read_s", "encode_s", "fit_s"), seconds),
    ),
    Line(
        "`pretrained` (MiniLM) on IMDB, accuracy; training",
        "`pretrained`（MiniLM），IMDB 准确率；训练时间",
        {},
        (Value("minilm", "default", ("accuracy",), accuracy), Value("minilm", "default", ("fit_s",), seconds)),
    ),
    Line(
        "`pretrained`, training on 128 and 256 tokens, tokens/s",
        "`pretrained`，训练速度（128、256 词元），每秒词元",
        {
            "transformers": _each(
                "finetune-speed", ("transformers 128 bfloat16", "transformers 256 bfloat16"), ("tokens_per_s",), whole
            )
        },
        _each("finetune-speed", ("tenor 128 bfloat16", "tenor 256 bfloat16"), ("tokens_per_s",), whole),
    ),
    Line(
        "`pretrained`, 8 and 64 phrases per class (SST-2), accuracy",
        "`pretrained`，每类 8、64 条（SST-2）准确率",
        {"SetFit": _each("few-labels", ("setfit 8", "setfit 64"), ("accuracy",), accuracy, mean)},
        _each("few-labels", ("tenor 8", "tenor 64"), ("accuracy",), accuracy, mean),
    ),
    Line(
        "the same, training",
        "同上，训练时间",
        {"SetFit": _each("few-labels", ("setfit 8", "setfit 64"), ("fit_s",), seconds, mean)},
        _each("few-labels", ("tenor 8", "tenor 64"), ("fit_s",), seconds, mean),
    ),
    Line(
        "MiniLM in int8, prediction of 256 and 64 tokens, tokens/s",
        "MiniLM int8 预测速度（256、64 词元），每秒词元",
        {
            "transformers": _each(
                "inference", ("256 transformers bfloat16", "64 transformers bfloat16"), ("tokens_per_s",), whole
            )
        },
        _each("inference", ("256 tenor int8", "64 tenor int8"), ("tokens_per_s",), whole),
    ),
    Line(
        "`tenor serve`, `ngram`, requests/s",
        "`tenor serve`，`ngram`，每秒请求数",
        {"FastAPI + scikit-learn": _each("serve", ("plain",), ("requests_per_s",), whole)},
        _each("serve", ("tenor",), ("requests_per_s",), whole),
    ),
    Line(
        "`tenor serve`, MiniLM in int8, requests/s; memory",
        "`tenor serve`，MiniLM int8，每秒请求数；内存",
        {
            "FastAPI + transformers": (
                Value("serve-encoder", "transformers", ("requests_per_s",), whole),
                Value("serve-encoder", "transformers", ("mib",), mebibytes),
            )
        },
        (
            Value("serve-encoder", "tenor", ("requests_per_s",), whole),
            Value("serve-encoder", "tenor", ("mib",), mebibytes),
        ),
    ),
    Line(
        "`tenor explain`, 200 reviews with `ngram`",
        "`tenor explain`，用 `ngram` 解释 200 条影评",
        {"LIME": _each("explain", ("lime",), ("explain_s",), seconds)},
        _each("explain", ("tenor",), ("explain_s",), seconds),
    ),
    Line(
        "`tenor check`, 25,000 reviews with their test part",
        "`tenor check`，25,000 条影评及其测试集",
        {},
        _each("check", ("leaks",), ("process_s",), seconds),
    ),
    Line(
        "`tenor predict`, peak memory for up to 1,000,000 rows",
        "`tenor predict` 内存峰值（至多 1,000,000 行）",
        {},
        _each("memory", ("tenor",), ("peak_mib",), mebibytes, max),
    ),
    Line(
        "`tenor train`, `ngram`, peak memory for up to 10,000,000 rows",
        "`tenor train`，`ngram`，内存峰值（至多 10,000,000 行）",
        {},
        _each("streamed", ("ngram",), ("peak_mib",), mebibytes, max),
    ),
    Line(
        "`tenor --help`",
        "`tenor --help`",
        {},
        _each("startup", ("tenor",), ("process_s",), lambda value: f"{value:.2f} s"),
    ),
)
HEADERS = {
    "README.md": ("IMDB: 25,000 training and 25,000 test reviews", "other tools", "Tenor", "AVX-512, BF16", "AVX2"),
    "README.zh.md": ("IMDB：训练与测试各 25,000 条影评", "其他工具", "Tenor", "AVX-512、BF16", "AVX2"),
}


GPU = {
    "README.md": "On a GPU (NVIDIA H200, JAX), `pretrained` trains on all 25,000 reviews in {seconds}, compiling "
    "included. Its accuracy is {accuracy} on 2,000 test reviews.",
    "README.zh.md": "在 GPU（NVIDIA H200，JAX）上，`pretrained` 训练全部 25,000 条影评用时 {seconds}（含编译），"
    "在 2,000 条测试影评上的准确率为 {accuracy}。",
}


def main(arguments: list[str]) -> int:
    """Write the tables, or with `--check` compare them; returns the exit code."""
    outdated = []
    for name in HEADERS:
        page = ROOT / name
        text = page.read_text(encoding="utf-8")
        updated = insert(text, summary(name))
        if updated == text:
            continue
        outdated.append(name)
        if "--check" not in arguments:
            page.write_text(updated, encoding="utf-8")
    if outdated and "--check" in arguments:
        print(f"The results in {', '.join(outdated)} are out of date. Run: python3 bench/summary.py")
        return 1
    return 0


def summary(page: str) -> str:
    """The table of a page, from the stored results: the columns of other tools and Tenor for each kind of processor.

    A kind of processor that nothing was measured on has no columns.
    """
    results = json.loads((ROOT / "bench" / "results.json").read_text(encoding="utf-8"))
    title, others, tenor, *kinds = HEADERS[page]
    is_chinese = page.endswith(".zh.md")
    header = [title]
    columns: list[list[str]] = [[line.chinese if is_chinese else line.english for line in LINES]]
    for kind, name in zip(KINDS, kinds, strict=True):
        parts: Parts = {name: part["runs"] for name, part in results.get(kind, {}).items() if name != "unfinished"}
        measured = [_others(parts, line, is_chinese) for line in LINES], [_cell(parts, line.tenor) for line in LINES]
        if {*measured[0], *measured[1]} != {DASH}:
            header += [f"{name}{'：' if is_chinese else ': '}{column}" for column in (others, tenor)]
            columns += measured
    rows: list[Row] = list(zip(*columns, strict=True))
    return f"{table(header, rows)}\n\n{_on_gpu(page, results)}"


def _others(parts: Parts, line: Line, is_chinese: bool) -> str:
    """The cell of the other tools: the name and the numbers of each one that was measured."""
    shown = {name: _cell(parts, values) for name, values in line.peers.items()}
    names = {"Keras script": "Keras 脚本"} if is_chinese else {}
    cells = [f"{names.get(name, name)} {cell}" for name, cell in shown.items() if cell != DASH]
    return ("；" if is_chinese else "; ").join(cells) or DASH


def insert(text: str, block: str) -> str:
    """A page with its table replaced.

    Raises:
        SystemExit: The page has no place for the table.
    """
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(text):
        sys.exit(f"A page has no place for the results: add the lines {BEGIN} and {END}.")
    return pattern.sub(lambda _: f"{BEGIN}\n\n{block}\n\n{END}", text)


def _on_gpu(page: str, results: dict[str, Any]) -> str:
    """What training on a graphics processor takes."""
    parts = {name: part["runs"] for name, part in results["gpu"].items()}
    fit, score = (
        Value("device", "pretrained", (name,), shown) for name, shown in (("fit_s", seconds), ("accuracy", accuracy))
    )
    return GPU[page].format(seconds=_number(parts, fit), accuracy=_number(parts, score))


def _cell(parts: Parts, values: Values) -> str:
    shown = [_number(parts, value) for value in values]
    return DASH if all(each == DASH for each in shown) else ", ".join(shown)


def _number(parts: Parts, value: Value) -> str:
    runs = parts.get(value.part, {}).get(value.program, [])
    if not runs or skipped(runs) or any(name not in run for run in runs for name in value.names):
        return DASH
    return value.shown(value.over([sum(run[name] for name in value.names) for run in runs]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
