"""The part and the section of gradient descent beside Adam, each with the defaults of the family."""

from programs import Bench, Job, tenor
from tables import Row, Runs, met, middle, score, table

TEXTS = {"ag_news": 1_500, "sst5": 6_000, "imdb": 12_000}
FAMILIES = ("bag", "cnn", "lstm", "transformer")
MARGINS = {"momentum": 0.015, "sgd": 0.03}  # below Adam, at most
OPTIMIZERS = ("adam", *MARGINS)
NOTE = """Accuracy on 2,500 training texts that were held out; the test is not read. All else has its default, so the
optimizers make the same number of passes. One draw and seed: differences below 0.01 say nothing."""


def optimizers(bench: Bench) -> list[Job]:
    """Each family with each optimizer on each set."""
    return [
        Job(
            f"{name} {family} {optimizer}",
            lambda name=name, family=family, optimizer=optimizer, n_texts=n_texts: tenor(
                bench, "tenor_optimizer.py", name, family, optimizer, str(300 if bench.quick else n_texts)
            ),
        )
        for name, n_texts in TEXTS.items()
        for family in FAMILIES
        for optimizer in OPTIMIZERS
    ]


def optimizers_section(runs: dict[str, Runs]) -> str:
    """The accuracy of each family with each optimizer."""
    rows: list[Row] = []
    for name, n_texts in TEXTS.items():
        for family in FAMILIES:
            if any(f"{name} {family} {optimizer}" not in runs for optimizer in OPTIMIZERS):
                continue
            adam = middle(runs[f"{name} {family} adam"], "accuracy")
            cells = [f"{name}, {n_texts:,}", f"`{family}`", score(adam)]
            for optimizer, margin in MARGINS.items():
                accuracy = middle(runs[f"{name} {family} {optimizer}"], "accuracy")
                cells += [score(accuracy), met(accuracy >= adam - margin)]
            rows.append(tuple(cells))
    header = ["set, training texts", "family", "`adam`"]
    for optimizer, margin in MARGINS.items():
        header += [f"`{optimizer}`", f"at most {margin} below"]
    return f"## Gradient descent beside Adam\n\n{table(tuple(header), rows)}\n\n{NOTE}"
