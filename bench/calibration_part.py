"""The part and the section of calibrated probabilities and of sets with a promised coverage."""

import json

from programs import Bench, Job, Measurements, peer, train
from sets import SETS
from tables import Row, Runs, met, score, table

NAMES = ("imdb", "ag_news", "thucnews", "goemotions")
ECE, NEAR = 0.015, 0.01
NOTE = """Expected calibration error over 15 bins, on the official test parts; nothing was tuned on them. The error
before calibration is in brackets. Tenor: `ngram` with its defaults, and `pretrained` (MiniLM), by `tenor train`.
scikit-learn: the pipelines of the part `labelled-sets`, plain and in `CalibratedClassifierCV` (isotonic, 4 folds).
Goemotions: the decisions on each label. Sets: share of texts whose label, or all of whose labels, are in the set;
mean set size in brackets. Sets of the peer contain the most probable labels until plain probabilities sum to the
coverage."""


def calibration(bench: Bench) -> list[Job]:
    """Tenor and scikit-learn on each set; Tenor's pretrained encoder on IMDB."""

    def measure(family: str, name: str, *settings: str) -> Measurements:
        out = bench.work / f"calibration-{family}-{name}"
        column = SETS[name].column if name in SETS else "label"
        measurements = train(bench, family, out, *settings, name=name, column=column)
        metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
        test = metrics["test"]
        return {
            **measurements,
            "before": test["uncalibrated"]["expected_calibration_error"],
            "coverage": test["coverage"],
            "calibrate_s": metrics["timing"]["calibrate_s"],
        }

    jobs = []
    for name in NAMES[:1] if bench.quick else NAMES:
        jobs.append(Job(f"tenor {name}", lambda name=name: measure("ngram", name)))
        for kind in ("plain", "isotonic"):
            jobs.append(
                Job(f"{kind} {name}", lambda name=name, kind=kind: peer(bench, "peer_calibration.py", name, kind))
            )
    few = ("epochs=1",) if bench.quick else ()
    jobs.append(Job("tenor pretrained", lambda: measure("pretrained", "imdb", *few)))
    return jobs


def calibration_section(runs: dict[str, Runs]) -> str:
    """Calibration errors, and coverage, of each set."""
    errors: list[Row] = []
    coverage: list[Row] = []
    for name in (*NAMES, "pretrained"):
        if f"tenor {name}" not in runs:
            continue
        result = runs[f"tenor {name}"][-1]
        error = result["expected_calibration_error"]
        peers = [runs.get(f"{kind} {name}", [{}])[-1] for kind in ("plain", "isotonic")]
        cells = [score(each["expected_calibration_error"]) if each else "" for each in peers]
        title = "imdb, `pretrained`" if name == "pretrained" else name
        held_to = name in ("imdb", "pretrained")
        target = (f"<= {ECE}", met(error <= ECE)) if held_to else ("", "")
        errors.append((title, *cells, f"{score(error)} ({score(result['before'])})", *target))
        for index, row in enumerate(result["coverage"]):
            naive = peers[0].get("coverage", [None] * 3)[index]
            distance = abs(row["found"] - row["coverage"])
            coverage.append(
                (
                    title,
                    f"{row['coverage']:.0%}",
                    f"{naive['found']:.1%} ({naive['mean_size']:.2f})" if naive else "",
                    f"{row['found']:.1%} ({row['mean_size']:.2f})",
                    "" if name == "pretrained" else "within 1 point",
                    "" if name == "pretrained" else met(distance <= NEAR),
                )
            )
    first = table(("set", "scikit-learn", "calibrated", "Tenor", "target", "met"), errors)
    second = table(("set", "coverage", "scikit-learn, summed", "Tenor", "target", "met"), coverage)
    return f"## Calibration and coverage\n\n{first}\n\n{second}\n\n{NOTE}"
