"""The sections of the neural families; measurements that an interrupted part has not got to yet are left out."""

import itertools
from collections.abc import Callable
from statistics import mean

from network_parts import BASE
from tables import Row, Runs, met, mib, middle, score, seconds, skipped, table, times

Measured = dict[str, Runs]
TARGETS = {"bag": 0.88, "cnn": 0.88, "lstm": 0.878, "transformer": 0.87}
BAG_S = 30
MINILM_TARGETS = {"default": 0.910, "256 tokens": 0.925}
MINILM_S = 11 * 60
MINILM_NAMES = {
    "default": "`pretrained`",
    "256 tokens": "`--set max_length=256`",
    "frozen": "`--set tune=frozen`",
}
FINETUNE_RATIO = 1.5
FEATURES_RATIO = 1.2
FEW_NAMES = {
    "logistic": "encoder + LogisticRegression",
    "setfit": "SetFit",
    "tenor": "Tenor, `pretrained`",
    "tenor frozen": "Tenor, `tune = frozen`",
}
SCRATCH_NOTE = (
    """Each by `tenor train` with its defaults on the 25,000 training reviews; a tenth of them choose the best epoch."""
)
FINETUNE_NOTE = """6 layers: MiniLM, 32 texts per batch. 12 layers: the size of BERT-base with random weights, 8 texts
per batch. Texts: IMDB reviews truncated to the length. transformers:
`AutoModelForSequenceClassification`, AdamW, default dropout, padded to the length, bfloat16 by autocast. Tenor: the
defaults of the family, with batches by length. The first steps, which compile, are not counted. Tokens are those of
the texts; in brackets, with padding. The ratio uses tokens without padding and the better precision of the peer. The
target applies to the better precision of Tenor."""
FEATURES_NOTE = """Mean of MiniLM's values over each text, for the same ids: reviews truncated to 128 tokens, grouped
by length. ONNX Runtime: float32, exported by `torch.onnx.export` (opset 17), the fastest of four batch sizes. Tenor:
in float32, and as `tune = frozen` computes by default. Batches that compile are not counted in tokens per second."""
FEW_NOTE = """SST-2: training phrases of eight or more words, tested on the 1,821 test sentences; mean over the seeds.
Seconds are those of fitting, without imports and predictions. SetFit: defaults of version 1.2 (one epoch of the pairs
from `oversampling`, 16 pairs per batch), one seed from 64 texts per class. A run that would take more than ten
minutes is stopped after 20 steps. All use the encoder MiniLM. The target is SetFit's accuracy on the seeds that
SetFit ran with. Ratios compare Tenor's seconds with SetFit's, or with its estimated time if it was stopped."""
TORCH_NOTE = """`Embedding(10000, 128)`, `LSTM(128)`, a head with one logit; an epoch of all training reviews, 200
words of each. PyTorch: the fastest of batches of 32, 64 and 128, in float32 and under bfloat16 autocast. Denormal
numbers are flushed to 0 as in TensorFlow; without that, vanishing gradients are ten times slower. Tenor: its second
epoch, in which nothing is compiled, scaled to all reviews (a tenth of them validates)."""


def scratch_section(runs: Measured) -> str:
    """Accuracy and time of the families that are trained from scratch."""
    walls = {name: middle(result, "read_s", "encode_s", "choose_s", "fit_s") for name, result in runs.items()}
    rows: list[Row] = []
    for name, target in TARGETS.items():
        if name not in runs:
            continue
        accuracy, wall = middle(runs[name], "accuracy"), walls[name]
        expected, good = f">= {target}", accuracy >= target
        if name == "bag":
            expected, good = f"{expected}, < {BAG_S} s", good and wall < BAG_S
        if name == "transformer" and "lstm" in walls:
            expected, good = f"{expected}, no slower than `lstm`", good and wall <= walls["lstm"]
        rows.append(
            (f"`{name}`", score(accuracy), seconds(wall), mib(middle(runs[name], "peak_mib")), expected, met(good))
        )
    header = ("family", "test accuracy", "read + encode + fit, s", "peak memory, MiB", "target", "met")
    return f"## Trained from scratch\n\n{table(header, rows)}\n\n{SCRATCH_NOTE}"


def minilm_section(runs: Measured) -> str:
    """Accuracy and time of the pretrained encoder."""
    rows: list[Row] = []
    for name, shown in MINILM_NAMES.items():
        if name not in runs:
            continue
        accuracy, fit = middle(runs[name], "accuracy"), middle(runs[name], "fit_s")
        target = MINILM_TARGETS.get(name)
        expected, good = "" if target is None else f">= {target:.3f}", target is None or accuracy >= target
        if name == "default":
            expected, good = f"{expected}, fit about {MINILM_S} s", good and fit <= 1.1 * MINILM_S
        whole = middle(runs[name], "process_s")
        peak = mib(middle(runs[name], "peak_mib"))
        rows.append(
            (shown, score(accuracy), seconds(fit), seconds(whole), peak, expected, met(good) if expected else "")
        )
    header = ("settings", "test accuracy", "fit, s", "whole process with test, s", "peak memory, MiB", "target", "met")
    return f"## `pretrained` (MiniLM) on all reviews\n\n{table(header, rows)}"


def finetune_section(runs: Measured) -> str:
    """Tokens a second of training, by length and precision."""
    rows: list[Row] = []
    ran = {name: each for name, each in runs.items() if not skipped(each)}
    for layers, length in itertools.product(("", BASE), ("128", "256")):
        size = f"{layers}{length}"
        peers = [f"transformers {size} {precision}" for precision in ("float32", "bfloat16")]
        best = max((middle(ran[name], "tokens_per_s") for name in peers if name in ran), default=None)
        for precision in ("float32", "bfloat16"):
            ours, theirs = f"tenor {size} {precision}", f"transformers {size} {precision}"
            if ours not in runs and theirs not in runs:
                continue
            row = (
                "12" if layers else "6",
                length,
                precision,
                *(_tokens(runs.get(name, [])) for name in (theirs, ours)),
            )
            if ours in ran and best:
                value = middle(ran[ours], "tokens_per_s") / best
                # Tenor has to reach the target in the precision that it takes, which is its better one.
                row += (times(value), f">= {FINETUNE_RATIO} x", met(value >= FINETUNE_RATIO))
            else:
                row += ("", "", "")
            rows.append(row)
    header = ("layers", "length", "precision", "transformers, tokens/s", "Tenor, tokens/s", "ratio", "target", "met")
    count = max(map(len, runs.values()))
    title = "## Fine-tuning: steps of an encoder against transformers"
    return f"{title}\n\n{table(header, rows)}\n\n{FINETUNE_NOTE} Runs of each: {count}."


def features_section(runs: Measured) -> str:
    """Tokens a second of features."""
    peer = middle(runs["onnxruntime"], "tokens_per_s") if "onnxruntime" in runs else None
    rows: list[Row] = []
    for name, shown in {
        "onnxruntime": "ONNX Runtime, float32",
        "tenor float32": "Tenor, float32",
        "tenor auto": "Tenor, default",
    }.items():
        if name not in runs:
            continue
        result, cells = runs[name], ("", "", "")
        if name == "tenor auto":
            shown = f"{shown} ({result[-1]['policy']})"
        if name != "onnxruntime" and peer:
            slower = peer / middle(result, "tokens_per_s")
            cells = (times(slower), f"<= {FEATURES_RATIO} x", met(slower <= FEATURES_RATIO))
        whole = middle(result, "seconds" if name == "onnxruntime" else "whole_s")
        rows.append((shown, f"{middle(result, 'tokens_per_s'):,.0f}", seconds(whole), *cells))
    header = ("", "tokens/s", "whole call, s", "ONNX Runtime's rate over it", "target", "met")
    last = ""
    if "onnxruntime" in runs:
        result = runs["onnxruntime"][-1]
        last = f"\nONNX Runtime: {result['size']} texts a batch. Its features differ from Tenor's in float32 by "
        last += f"{result['difference']:.1e} at most. Runs of each: {len(runs['onnxruntime'])}."
    return f"## Features of the frozen encoder against ONNX Runtime\n\n{table(header, rows)}\n\n{FEATURES_NOTE}{last}"


def few_section(runs: Measured) -> str:
    """Accuracy and time with few labels, by size."""
    rows: list[Row] = []
    for size in sorted({int(name.rpartition(" ")[2]) for name in runs}):
        setfit = runs.get(f"setfit {size}", [])
        whole = [run for run in setfit if "accuracy" in run]
        setfit_s = mean(run.get("fit_s", run.get("estimated_s")) for run in setfit) if setfit else None
        for name, shown in FEW_NAMES.items():
            result = runs.get(f"{name} {size}", [])
            if not result:
                continue
            if name == "setfit" and not whole:
                cells = ("", f"given up: about {setfit_s:,.0f}", "", "", "")
            else:
                kept = whole if name == "setfit" else result
                accuracy, fit = mean(run["accuracy"] for run in kept), mean(run["fit_s"] for run in kept)
                cells = (score(accuracy), seconds(fit), "", "", "")
                if name.startswith("tenor") and setfit_s:
                    expected, good = "<= 1/3 of SetFit's estimated time", fit <= setfit_s / 3
                    if whole:
                        floor = mean(run["accuracy"] for run in whole)
                        same = mean(run["accuracy"] for run in result[: len(whole)])  # all go through the seeds alike
                        expected = f">= {score(floor)} ({score(same)} on its seeds), <= 1/3 of its time"
                        good = good and same >= floor
                    cells = (score(accuracy), seconds(fit), f"{fit / setfit_s:.2f}", expected, met(good))
            rows.append((f"{size}", shown, str(len(whole if name == "setfit" else result)), *cells))
    header = ("texts per class", "", "seeds", "test accuracy", "fit, s", "ratio", "target", "met")
    return f"## Few labels against SetFit\n\n{table(header, rows)}\n\n{FEW_NOTE}"


def torch_section(runs: Measured) -> str:
    """The time of an epoch of the LSTM."""
    rows: list[Row] = []
    if "torch" in runs:
        result = runs["torch"]
        rows.append((f"PyTorch ({result[-1]['best']} a batch)", *_epoch(result), ""))
    if "tenor" in runs:
        ratio = ""
        if "torch" in runs:
            ratio = f"{middle(runs['tenor'], 'epoch_s') / middle(runs['torch'], 'epoch_s'):.2f}"
        rows.append(("Tenor", *_epoch(runs["tenor"]), ratio))
    tried = ""
    if "torch" in runs:
        pairs = runs["torch"][-1]["tried"].items()
        tried = "\nTexts/s of PyTorch's settings: " + "; ".join(f"{name}: {value:,.0f}" for name, value in pairs) + "."
        for precision, reason in runs["torch"][-1].get("cannot", {}).items():
            tried += f"\nPyTorch has no LSTM in {precision} on this processor: {reason}"
    header = ("", "an epoch of all reviews, s", "texts/s", "ratio")
    return f"## `lstm` against PyTorch's LSTM\n\n{table(header, rows)}\n\n{TORCH_NOTE}{tried}"


def _tokens(result: Runs) -> str:
    if not result or skipped(result):
        return skipped(result)
    return f"{middle(result, 'tokens_per_s'):,.0f} ({middle(result, 'padded_tokens_per_s'):,.0f})"


def _epoch(result: Runs) -> tuple[str, str]:
    return seconds(middle(result, "epoch_s")), f"{middle(result, 'texts_per_s'):,.0f}"


NETWORK_SECTIONS: dict[str, Callable[[Measured], str]] = {
    "scratch": scratch_section,
    "lstm-torch": torch_section,
    "minilm": minilm_section,
    "finetune-speed": finetune_section,
    "features": features_section,
    "few-labels": few_section,
}
