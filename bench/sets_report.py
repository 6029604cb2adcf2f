"""The sections of the sets beside IMDB and of `tenor check`."""

from collections.abc import Callable

from sets import SETS
from tables import Row, Runs, met, middle, score, seconds, table

LEAKED, CHECK_S, FOUND = 123, 10, 0.70
SETS_NOTE = """Tenor: `ngram` with its defaults, through `tenor train`. scikit-learn: TF-IDF over words and word pairs
(thucnews: one to three characters), sub-linear counts, logistic regression with C = 10 (goemotions: one against the
rest; emobank: ridge). fastText: word pairs, `lr=1.0`, its text prepared beforehand. Seconds: choose + encode + fit;
fastText's file is written beforehand."""
CHECK_NOTE = """A random 5% of the training labels are flipped. The share is that of flipped rows among as many
top-ranked rows; mean over seeds that were not tuned on."""


def sets_section(runs: dict[str, Runs]) -> str:
    """Measurements and seconds of each set, beside the peers."""
    rows: list[Row] = []
    for name, expected in SETS.items():
        if f"tenor {name}" not in runs:
            continue
        tenor = runs[f"tenor {name}"]
        spent = middle(tenor, "choose_s", "encode_s", "fit_s")
        for metric, target in expected.targets.items():
            result = middle(tenor, metric)
            cells = [name, metric.replace("_", " ")]
            for peer in ("sklearn", "fasttext"):
                measured = runs.get(f"{peer} {name}")
                cells.append(
                    f"{score(middle(measured, metric))} ({seconds(middle(measured, 'fit_s'))} s)" if measured else ""
                )
            aim = f">= {target}" + (f", < {expected.limit_s} s" if expected.limit_s else "")
            good = result >= target and (expected.limit_s is None or spent < expected.limit_s)
            rows.append((*cells, f"{score(result)} ({seconds(spent)} s)", aim, met(good)))
    header = ("set", "metric", "scikit-learn", "fastText", "Tenor", "target", "met")
    return f"## Other sets, `ngram`\n\n{table(header, rows)}\n\n{SETS_NOTE}"


def check_section(runs: dict[str, Runs]) -> str:
    """Leaks found and time, and the share of flipped labels ranked first."""
    rows: list[Row] = []
    if "leaks" in runs:
        leaked, wall = runs["leaks"][-1]["leaked"], middle(runs["leaks"], "process_s")
        result, target = f"{leaked} leaked texts, {seconds(wall)} s", f"all {LEAKED}, < {CHECK_S} s"
        rows.append(("25,000 reviews with their test", result, target, met(leaked == LEAKED and wall < CHECK_S)))
    if "flipped" in runs:
        shares = [run["found"] for run in runs["flipped"]]
        mean = sum(shares) / len(shares)
        each, spent = ", ".join(f"{share:.1%}" for share in shares), seconds(middle(runs["flipped"], "check_s"))
        result = f"{mean:.1%} ({each}), {spent} s"
        rows.append(("5% of the labels flipped", result, f">= {FOUND:.0%}", met(mean >= FOUND)))
    return f"## `tenor check`\n\n{table(('', 'found', 'target', 'met'), rows)}\n\n{CHECK_NOTE}"


SETS_SECTIONS: dict[str, Callable[[dict[str, Runs]], str]] = {"labelled-sets": sets_section, "check": check_section}
