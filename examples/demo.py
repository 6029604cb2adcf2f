"""What `make demo` runs: two families on the same film reviews, side by side, then three sentences.

The LSTM reads 160 batches, about half of the reviews, so that the demo is short. With its default settings it reads
each review twice.
"""

import os
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tenor
from tenor._core.language import join_names, tr
from tenor.cli.console import Console
from tenor.cli.layout import table
from tenor.cli.metric_names import metric_name

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
        print(
            tr(
                "accuracy {accuracy:.4f} on {rows:,} reviews that it has not seen ({seconds:.1f} s)",
                accuracy=test["accuracy"],
                rows=test["rows"],
                seconds=time.perf_counter() - started_at,
            ),
            flush=True,
        )
    show(trained)
    command = ".venv/bin/tenor train imdb --family lstm"
    print(tr("The LSTM has read about half of the reviews. All of them: {command}", command=command))


def show(trained: dict[str, tenor.TrainedModel]) -> None:
    """Print the models' held-out results and their predictions for the sentences."""
    tests = [model.metrics["test"] for model in trained.values()]
    rows = [[tr("Held-out reviews"), *trained]]
    for name in ("accuracy", "macro_f1", "log_loss"):
        rows.append([metric_name(name), *(f"{test[name]:.4f}" for test in tests)])
    intervals = [test["accuracy_interval"] for test in tests]
    rows.append([tr("95% interval"), *(f"{low:.3f}-{high:.3f}" for low, high in intervals)])
    rows.append([tr("seconds"), *(f"{model.metrics['timing']['total_s']:.1f}" for model in trained.values())])
    print("", *table(rows), "", sep="\n")

    for sentence in SENTENCES:
        print(sentence)
        for family, model in trained.items():
            [[(label, score)]] = model.predictor.predict_scored([sentence])
            print(f"  {family:6} {label} ({score:.3f})")
    folders = [str(model.folder) for model in trained.values()]
    print("", tr("Saved models: {folders}", folders=join_names(folders)), sep="\n")
    print(tr("Try: {command}", command=f'.venv/bin/tenor predict {folders[0]} "{tr("your own sentence")}"'))


if __name__ == "__main__":
    main()
