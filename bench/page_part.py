"""The part that measures the report of a trained model: how long it takes to make, and how large it is."""

import json

from programs import Bench, Job, Measurements, ProgramError, train
from tables import Row, Runs, met, middle, seconds, table

LONGEST_S, LARGEST_MB = 10, 2
NOTE = """`report.html` and the model card of `ngram` for the 25,000 test reviews: collecting the facts (errors with
their explanations, curves, labels that may be wrong) and drawing. It is a part of `tenor train`."""


def page(bench: Bench) -> list[Job]:
    """Training with a report, `repeats` times over."""

    def made(repeat: int) -> Measurements:
        out = bench.work / f"page-{repeat}"
        train(bench, "ngram", out, report=True)
        try:
            timing = json.loads((out / "metrics.json").read_text(encoding="utf-8"))["timing"]
            return {"report_s": timing["report_s"], "size_mb": (out / "report.html").stat().st_size / 1e6}
        except (OSError, ValueError, KeyError) as error:
            raise ProgramError(f"there is no report of the run in {out}: {error}.") from None

    return [Job("tenor", lambda repeat=repeat: made(repeat)) for repeat in range(1, bench.repeats + 1)]


def page_section(runs: dict[str, Runs]) -> str:
    """Seconds and megabytes."""
    spent, size = middle(runs["tenor"], "report_s"), middle(runs["tenor"], "size_mb")
    rows: list[Row] = [
        ("made in, s", seconds(spent), f"< {LONGEST_S}", met(spent < LONGEST_S)),
        ("size, MB", f"{size:.2f}", f"< {LARGEST_MB}", met(size < LARGEST_MB)),
    ]
    return f"## The report of IMDB\n\n{table(('', 'Tenor', 'target', 'met'), rows)}\n\n{NOTE}"
