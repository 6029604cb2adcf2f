"""RESULTS.md from the raw measurements: one table a part, measured beside target."""

from collections.abc import Callable
from statistics import median
from typing import Any

from budget_part import budget_section, budget_sets_section
from calibration_part import calibration_section
from device_part import device_section
from explain_part import explain_section
from fields_part import fields_section
from inference_part import inference_section
from network_report import NETWORK_SECTIONS
from optimizers_part import optimizers_section
from page_part import page_section
from pretraining_part import pretraining_section
from scale_part import scale_section
from serve_part import serve_encoder_section, serve_section, soak_section
from sets_report import SETS_SECTIONS
from tables import Row, Runs, met, mib, middle, ratio, score, seconds, table

INTRODUCTION = """# Benchmark results

Written by `bench/run.py` from `bench/results.json`; `make bench` measures everything again. Programs run one
after another, each in its own process. Times are seconds of wall time. Several runs give their median. Unless a
part says otherwise, models are trained on the 25,000 training reviews of IMDB and tested on its 25,000 test
reviews, read from the folder that `TENOR_BENCH_DATA` names. Results are kept for each kind of processor: a run
replaces only those of its own kind. If a peer cannot run on a processor, its row says so."""
KINDS = {
    "avx2": "a processor with AVX2 (`avx2`)",
    "avx2-limited": "a processor with AVX-512, limited to AVX2 (`avx2-limited`)",
    "avx512": "a processor with AVX-512 (`avx512`)",
    "avx512-bf16": "a processor with AVX-512 and bfloat16 (`avx512-bf16`)",
    "gpu": "a graphics processor (`gpu`)",
}
NGRAM_NOTE = """scikit-learn: TF-IDF over words and word pairs, `min_df=2`, `sublinear_tf`, logistic regression with C
= 10 (with the defaults it scores 0.887). fastText: `wordNgrams=2`, `lr=1.0`, its text prepared and its file written
beforehand. The whole process includes imports, test evaluation and, for Tenor, saving."""
LSTM_NOTE = """The same layers: `Embedding(10000, 128)`, `LSTM(128)`, `Dense(1, sigmoid)`. The script pads to
200 words and trains with Adam in batches of 32. Its test accuracy after each epoch, not counted in its time:
"""
_IN_PART = (
    "calibration",
    "budget",
    "budget-sets",
    "pretraining",
    "device",
    "fields",
    "optimizers",
)  # sections that are written from what there is
TEXTS, TEXTS_S = 25_000, 15_000  # of the test, and how many a second are asked for
FLAT = 1.2  # largest growth of peak memory from the shortest to the longest file
MEMORY_NOTE = "An `ngram` model; CSV in, CSV out; each text a sentence of 60-140 characters."

STREAMED_NOTE = """`tenor train FILE --on-disk`, the default for files of more than 1,000,000 rows; `bag` with one
epoch. Parquet files of generated texts of about 20 words out of 50,000 in two classes (`bench/make_labelled.py`). A
fifth of the texts has words of a random class. At most about 100,000 rows are test texts."""


def render(results: dict[str, dict[str, Any]]) -> str:
    """The whole page, from kind of processor to part to `runs`, `setting` and `command`; parts not measured are left
    out.

    A part that was measured on several kinds of processors has one heading, and below it the tables of each.
    """
    page = [INTRODUCTION]
    by_kind = {kind: _sections(parts) for kind, parts in sorted(results.items())}
    for name in SECTIONS:
        measured = {kind: sections[name] for kind, sections in by_kind.items() if name in sections}
        for number, (kind, text) in enumerate(measured.items()):
            title, _, body = text.partition("\n\n")
            page += [*([] if number else [title]), f"### {name} on {KINDS.get(kind, f'`{kind}`')}", body]
    return "\n\n".join(each.strip("\n") for each in page if each) + "\n"


def _sections(results: dict[str, Any]) -> dict[str, str]:
    """The sections of one kind of processor.

    An interrupted part is under `unfinished`. Its section is written from what there is, if that is enough, unless
    there are earlier measurements of the whole part.
    """
    sections = {}
    unfinished = results.get("unfinished", {})
    for name, section in SECTIONS.items():
        note = ""
        if name in unfinished:
            state = f"{unfinished[name]['done']} of {unfinished[name]['jobs']} runs are done"
            note = f"\n\nUnfinished: {state}; `--resume` does the others."
        if name in results:
            part = results[name]
            note = note.replace("Unfinished", "A newer measurement is unfinished")
            sections[name] = f"{section(part['runs'])}\n\n{provenance(part)}{note}"
        elif name in unfinished and name in (*NETWORK_SECTIONS, *SETS_SECTIONS, *_IN_PART):
            sections[name] = f"{section(unfinished[name]['runs'])}\n\n{provenance(unfinished[name])}{note}"
        elif name in unfinished:
            sections[name] = f"## `{name}`{note}"
    return sections


def ngram_section(runs: dict[str, Runs]) -> str:
    """Accuracy, time to fit and time to predict of the n-gram family and its peers."""
    tenor, sklearn, fasttext = runs["tenor"], runs["sklearn"], runs["fasttext"]
    accuracy = middle(tenor, "accuracy")
    fit = middle(tenor, "read_s", "encode_s", "choose_s", "fit_s")
    fit_sklearn, fit_fasttext = middle(sklearn, "read_s", "fit_s"), middle(fasttext, "fit_s")
    predict, predict_sklearn = middle(tenor, "predict_s"), middle(sklearn, "predict_s")
    predict_fasttext = middle(fasttext, "predict_s")
    rows: list[Row] = [
        (
            "test accuracy",
            score(middle(sklearn, "accuracy")),
            score(middle(fasttext, "accuracy")),
            score(accuracy),
            "",
            ">= 0.914",
            met(accuracy >= 0.914),
        ),
        (
            "read + encode + choose + fit, s",
            seconds(fit_sklearn),
            f"{seconds(fit_fasttext)} (fit alone)",
            seconds(fit),
            f"{ratio(fit, fit_sklearn)} of scikit-learn, {ratio(fit, fit_fasttext)} of fastText",
            "<= 1/3 of scikit-learn, < fastText",
            met(fit <= fit_sklearn / 3 and fit < fit_fasttext),
        ),
        (
            "text preparation before fit, s",
            "",
            seconds(middle(fasttext, "prepare_s")),
            "",
            "",
            "",
            "",
        ),
        (
            "predict the test texts, s",
            seconds(predict_sklearn),
            f"{seconds(predict_fasttext)} (prepared)",
            seconds(predict),
            f"{ratio(predict, predict_sklearn)} of scikit-learn",
            "<= 1/4 of scikit-learn",
            met(predict <= predict_sklearn / 4),
        ),
        (
            "texts/s of that",
            *(f"{TEXTS / value:,.0f}" for value in (predict_sklearn, predict_fasttext, predict)),
            "",
            f">= {TEXTS_S:,}",
            met(TEXTS / predict >= TEXTS_S),
        ),
        (
            "whole process, s",
            seconds(middle(sklearn, "process_s")),
            seconds(middle(fasttext, "process_s")),
            seconds(middle(tenor, "process_s")),
            "",
            "",
            "",
        ),
        (
            "peak memory, MiB",
            mib(middle(sklearn, "peak_mib")),
            mib(middle(fasttext, "peak_mib")),
            mib(middle(tenor, "peak_mib")),
            "",
            "",
            "",
        ),
    ]
    header = ("", "scikit-learn", "fastText", "Tenor", "ratio", "target", "met")
    title = "## `ngram` against scikit-learn and fastText"
    return f"{title}\n\n{table(header, rows)}\n\n{NGRAM_NOTE} Runs of each: {len(tenor)}."


def lstm_section(runs: dict[str, Runs]) -> str:
    """Accuracy and time of the LSTM family and of the plain Keras script."""
    tenor, keras = runs["tenor"], runs["keras"]
    epochs = keras[-1]["epochs"]
    accuracy = middle(tenor, "accuracy")
    wall = middle(tenor, "read_s", "encode_s", "choose_s", "fit_s")
    wall_keras = middle(keras, "read_s", "encode_s", "fit_s")
    rows: list[Row] = [
        (
            "test accuracy",
            score(middle(keras, "accuracy")),
            score(accuracy),
            "",
            ">= 0.878",
            met(accuracy >= 0.878),
        ),
        (
            "read + encode + fit, s",
            seconds(wall_keras),
            seconds(wall),
            ratio(wall, wall_keras),
            "<= 1/5",
            met(wall <= wall_keras / 5),
        ),
        (
            "peak memory, MiB",
            mib(middle(keras, "peak_mib")),
            mib(middle(tenor, "peak_mib")),
            "",
            "",
            "",
        ),
    ]
    header = ("", f"Keras script, {epochs} epochs", "Tenor", "ratio", "target", "met")
    by_epoch = " ".join(f"{value:.3f}" for value in keras[-1]["accuracy_by_epoch"])
    title = "## `lstm` against the plain Keras script"
    return f"{title}\n\n{table(header, rows)}\n\n{LSTM_NOTE}{by_epoch}. Runs of each: {len(tenor)}."


def memory_section(runs: dict[str, Runs]) -> str:
    """Peak memory of `tenor predict` over the number of rows."""
    measured = runs["tenor"]
    most = max(run["peak_mib"] for run in measured)
    growth = measured[-1]["peak_mib"] / measured[0]["peak_mib"]
    rows: list[Row] = [
        (
            f"{run['rows']:,}",
            mib(run["file_mib"]),
            mib(run["peak_mib"]),
            "#" * max(1, round(30 * run["peak_mib"] / most)),
            seconds(run["process_s"]),
            f"{run['rows'] / run['process_s']:,.0f}",
        )
        for run in measured
    ]
    header = ("rows", "file, MiB", "peak memory, MiB", "", "whole process, s", "rows/s")
    verdict = f"Peak of the longest file over the shortest: {growth:.2f}. Target: flat, <= {FLAT}. Met: "
    title = "## Memory of `tenor predict`"
    return f"{title}\n\n{table(header, rows)}\n\n{verdict}{met(growth <= FLAT)}.\n{MEMORY_NOTE}"


def streamed_section(runs: dict[str, Runs]) -> str:
    """Peak memory of `tenor train` with the texts on disk, over the number of rows."""
    measured = [(name, run) for name in ("ngram", "bag") for run in runs.get(name, [])]
    most = max(run["peak_mib"] for _, run in measured)
    rows: list[Row] = [
        (
            f"`{name}`",
            f"{run['rows']:,}",
            mib(run["file_mib"]),
            mib(run["peak_mib"]),
            "#" * max(1, round(30 * run["peak_mib"] / most)),
            seconds(run["process_s"]),
            score(run["accuracy"]),
        )
        for name, run in measured
    ]
    header = ("family", "rows", "file, MiB", "peak memory, MiB", "", "whole process, s", "accuracy")
    shorter, longest = runs["ngram"][-2:]
    growth = longest["peak_mib"] / shorter["peak_mib"]
    verdict = f"`ngram`, {longest['rows']:,} rows over {shorter['rows']:,}: {growth:.2f} times the memory.\n"
    verdict += f"Target: flat, <= {FLAT}. Met: {met(growth <= FLAT)}.\n"
    title = "## Memory of `tenor train`, texts on disk"
    return f"{title}\n\n{table(header, rows)}\n\n{verdict}{STREAMED_NOTE}"


STARTED = {
    "tenor": ("`tenor --help`", 0.3),
    "ngram": ("`tenor predict MODEL TEXT`, `ngram`", 1.0),
    "pretrained": ("`tenor predict MODEL TEXT`, `pretrained` (MiniLM, float32)", 2.0),
}


def startup_section(runs: dict[str, Runs]) -> str:
    """Time of `tenor --help` and of one prediction, each in a new process."""
    rows: list[Row] = []
    for program, (shown, target) in STARTED.items():
        if program not in runs:
            continue
        walls = [run["process_s"] for run in runs[program]]
        wall = median(walls)
        row = (shown, seconds(wall), seconds(min(walls)), seconds(max(walls)), f"<= {target}", met(wall <= target))
        rows.append(row)
    header = ("new process", "median, s", "fastest, s", "slowest, s", "target, s", "met")
    return f"## From a cold start\n\n{table(header, rows)}\n\nRuns of each: {len(walls)}."


SECTIONS: dict[str, Callable[[dict[str, Runs]], str]] = {
    "ngram": ngram_section,
    **SETS_SECTIONS,
    "calibration": calibration_section,
    "explain": explain_section,
    "fields": fields_section,
    "page": page_section,
    "serve": serve_section,
    "serve-encoder": serve_encoder_section,
    "soak": soak_section,
    "budget": budget_section,
    "budget-sets": budget_sets_section,
    "lstm": lstm_section,
    "memory": memory_section,
    "streamed": streamed_section,
    "scale": scale_section,
    "startup": startup_section,
    **NETWORK_SECTIONS,
    "optimizers": optimizers_section,
    "inference": inference_section,
    "pretraining": pretraining_section,
    "device": device_section,
}


def provenance(part: dict[str, Any]) -> str:
    """When, on what and with which versions a part was measured, what else is to be known (`remark`, which the next
    measurement drops), and the command that measures it again.
    """
    setting, machine = part["setting"], part["setting"]["machine"]
    size = f"{machine['cores']} cores, {machine['memory_gib']} GiB"
    if "device" in machine:
        size += f", {machine['device']}"
    lines = [
        f"- Date: {setting['date']}",
        f"- Machine: {machine['cpu']}, {size}, {machine['system']}",
        f"- Tenor's environment: {listed(setting['tenor_environment'])}",
    ]
    if part.get("peers", set(part["runs"]) != {"tenor"}):
        lines.append(f"- Peers' environment: {listed(setting['peer_environment'])}")
    if any(program.split()[-2] in ("autogluon", "flaml") for program in part["runs"] if " " in program):
        lines.append(f"- Environment of AutoGluon and FLAML: {listed(setting['automl_environment'])}")
    if "remark" in part:
        lines.append(f"- Remark: {part['remark']}")
    lines.append(f"- Again: `{part['command']}`")
    return "\n".join(lines)


def listed(versions: dict[str, str]) -> str:
    """Names with their versions, as one line."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())
