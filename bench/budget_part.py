"""The part that measures the best model within a time: `tenor train --budget` on IMDB, beside scikit-learn."""

from programs import Bench, Job, peer, train
from tables import Row, Runs, met, middle, score, seconds, table

BUDGETS = {10: 0.914, 60: 0.918, 300: 0.925, 600: 0.930}
QUICK_BUDGETS = {10: 0.914, 30: 0.918}
NOTE = """The budget is time for learning; what the whole process took holds reading and the labels of 25,000 test
reviews too. Over budget: more than 5% and 5 s beyond it. scikit-learn: TF-IDF over words and word pairs, logistic
regression with C = 10, which takes no budget."""


def budget(bench: Bench) -> list[Job]:
    """Tenor at each budget, and scikit-learn once."""
    budgets = QUICK_BUDGETS if bench.quick else BUDGETS
    return [
        Job("sklearn", lambda: peer(bench, "peer_sklearn.py")),
        *(
            Job(
                f"tenor {limit}",
                lambda limit=limit: train(bench, "auto", bench.work / f"auto-{limit}", f"budget={limit}"),
            )
            for limit in budgets
        ),
    ]


def budget_section(runs: dict[str, Runs]) -> str:
    """Test accuracy and seconds at each budget."""
    there = runs["sklearn"]
    reference = f"{score(middle(there, 'accuracy'))} ({seconds(middle(there, 'fit_s'))} s)"
    rows: list[Row] = []
    for limit, target in BUDGETS.items():
        if f"tenor {limit}" not in runs:
            continue
        ours = runs[f"tenor {limit}"]
        accuracy, spent = middle(ours, "accuracy"), middle(ours, "fit_s")
        good = accuracy >= target and spent <= limit * 1.05 + 5
        figures = score(accuracy), seconds(spent), seconds(middle(ours, "process_s"))
        rows.append((f"{limit} s", reference, *figures, f">= {target}, in time", met(good)))
    header = ("budget", "scikit-learn", "Tenor", "to learn, s", "whole process, s", "target", "met")
    return f"## The best model within a time\n\n{table(header, rows)}\n\n{NOTE}"
