"""What `make demo` runs: two families on the same film reviews, side by side, then three sentences.

The LSTM reads 160 batches, about half of the reviews, so that the demo is short. With its default settings it reads
each review twice.
"""

import os
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tenor
from tenor.cli.console import Console

SETTINGS: dict[str, dict[str, Any]] = {"ngram": {}, "lstm": {"epochs": 1, "steps": 160}}
SENTENCES = [
    "A warm, funny film with a wonderful cast.",
    "Two hours of my life that I will never get back.",
    "It starts slowly, but the ending is worth the wait.",
]


def main() -> None:
    """Train both, print their held-out results, classify the sentences, say where the models are."""
    trained: dict[str, tenor.TrainedModel] = {}
    for family, settings in SETTINGS.items():
        shown = " ".join(f"--set {name}={value}" for name, value in settings.items())
        print(f"\n== tenor train imdb --family {family} {shown}".rstrip(), flush=True)
        started_at = time.perf_counter()
        with Console() as console:
            config = tenor.RunConfig(
                "imdb", family=family, settings=settings, out=f"runs/demo-{family}", overwrite=True
            )
            trained[family] = tenor.train(config, callback=console)
        test = trained[family].metrics["test"]
        seconds = time.perf_counter() - started_at
        print(
            f"accuracy {test['accuracy']:.4f} on {test['rows']:,} reviews that it has not seen ({seconds:.1f} s)",
            flush=True,
        )
    show(trained)
    print("The LSTM has read about half of the reviews. All of them: .venv/bin/tenor train imdb --family lstm")


def show(trained: dict[str, tenor.TrainedModel]) -> None:
    """Print the models' held-out results and their predictions for the sentences."""
    print("\nHeld-out reviews          " + "".join(f"{family:>12}" for family in trained))
    for name, title in (("accuracy", "accuracy"), ("macro_f1", "macro-F1"), ("log_loss", "log loss")):
        cells = "".join(f"{model.metrics['test'][name]:12.4f}" for model in trained.values())
        print(f"{title:26}" + cells)
    low_high = [model.metrics["test"]["accuracy_interval"] for model in trained.values()]
    print(f"{'95% interval':26}" + "".join(f"{f'{low:.3f}-{high:.3f}':>12}" for low, high in low_high))
    seconds = [model.metrics["timing"]["total_s"] for model in trained.values()]
    print(f"{'seconds':26}" + "".join(f"{value:12.1f}" for value in seconds))

    print()
    for sentence in SENTENCES:
        print(sentence)
        for family, model in trained.items():
            [[(label, score)]] = model.predictor.predict_scored([sentence])
            print(f"  {family:6} {label} ({score:.3f})")
    print("\nSaved models: " + ", ".join(str(model.folder) for model in trained.values()))
    print(f'Try: .venv/bin/tenor predict {next(iter(trained.values())).folder} "your own sentence"')


if __name__ == "__main__":
    main()
