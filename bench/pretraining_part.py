"""The part that shows whether pretraining on unlabelled texts helps: `tenor pretrain`, then `tenor train --init`."""

import json
from statistics import mean

from imdb import part_path
from processes import run
from programs import Bench, Job, Measurements, tenor
from tables import Row, Runs, score, seconds, table

UNLABELLED = "unsup"  # the part of IMDB without labels
STEPS = {"transformer": None, "pretrained": 500}  # of pretraining; None: three passes, the default
SEEDS = {"transformer": {100: 5, 1_000: 3, 25_000: 1}, "pretrained": {100: 3, 1_000: 1}}  # by labelled reviews
TESTS = {"transformer": 25_000, "pretrained": 2_000}  # test reviews
QUICK_LABELLED = 40  # reviews
STARTS = ("without", "with")
SEED = 7
NOTE = """Pretraining: `tenor pretrain` on the 50,000 reviews of IMDB without labels; `transformer` with its defaults
(three passes), MiniLM for 500 batches of 4,096 tokens, a tenth of a pass. Then `tenor train`, without and with
`--init`, on reviews drawn from the training part, with the defaults of the family; test accuracy, the mean over the
seeds, each with other reviews. MiniLM is tested on 2,000 test reviews drawn once, and not trained on all 25,000
labels, which takes a quarter of an hour per run."""


def pretraining(bench: Bench) -> list[Job]:
    """The pretraining of each family, and training without and with it in turn, seed by seed."""
    jobs = []
    for family, sizes in SEEDS.items():
        jobs.append(Job(f"pretrain {family}", lambda family=family: _pretrain(bench, family)))
        for size, seeds in {100: 1}.items() if bench.quick else sizes.items():
            for seed in range(seeds):
                for start in STARTS:
                    jobs.append(
                        Job(
                            f"{family} {size} {start}",
                            lambda job=(family, size, seed, start): _train(bench, *job),
                        )
                    )
    return jobs


def _pretrain(bench: Bench, family: str) -> Measurements:
    """Pretrain, unless that was done already."""
    out = bench.work / f"encoder-{family}"
    corpus, steps = ("train", 3) if bench.quick else (UNLABELLED, STEPS[family])
    if not out.is_dir():
        command = [str(bench.tenor_bin / "tenor"), "pretrain", str(part_path(corpus)), "--text", "text"]
        command += ["--family", family, "--out", str(out), "--seed", str(SEED)]
        run([*command, *(["--set", f"steps={steps}"] if steps else [])])
    result = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    return {"fit_s": result["timing"]["fit_s"]}


def _train(bench: Bench, family: str, size: int, seed: int, start: str) -> Measurements:
    options = [family, str(QUICK_LABELLED if bench.quick else size), str(seed), str(TESTS[family])]
    if start == "with":
        _pretrain(bench, family)
        options.append(str(bench.work / f"encoder-{family}"))
    return tenor(bench, "tenor_init.py", *options)


def pretraining_section(runs: dict[str, Runs]) -> str:
    """Test accuracy without and with pretraining, by family and labels."""
    rows: list[Row] = []
    for family, sizes in SEEDS.items():
        took = runs.get(f"pretrain {family}", [])
        spent = f", pretrained in {seconds(took[0]['fit_s'])} s" if took else ""
        for size in sizes:
            pair = [runs.get(f"{family} {size} {start}", []) for start in STARTS]
            same = min(map(len, pair))  # seeds that both have been run with
            if not same:
                continue
            without, start = (mean(run["accuracy"] for run in result[:same]) for result in pair)
            gained = f"{100 * (start - without):+.1f} points"
            rows.append((f"`{family}`{spent}", f"{size:,}", str(same), score(without), score(start), gained))
    header = ("family", "labelled reviews", "seeds", "without", "with pretraining", "gained")
    return f"## Pretraining on texts without labels\n\n{table(header, rows)}\n\n{NOTE}"
