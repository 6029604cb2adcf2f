"""Makes the small folders of `tests/golden/format-2` anew: one of every family, task and kind of file.

    python tests/fuzz/make_folders.py FOLDER

The committed ones stay as they are: they also prove that folders of this format load in later versions.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

TEXTS = [
    *(f"a {word} film, {word} indeed, number {index}" for index, word in enumerate(["good", "great", "fine"] * 7)),
    *(f"a {word} film, {word} indeed, number {index}" for index, word in enumerate(["bad", "dull", "poor"] * 7)),
]
CHINESE = [f"房间很干净，服务很好{index}，位置一般，早餐普通" * 30 for index in range(42)]
LABELS = ["positive"] * 21 + ["negative"] * 21
SETS = [[label, "short"] if index % 3 else [label] for index, label in enumerate(LABELS)]
NETWORK: dict[str, Any] = {"max_length": 24, "batch_tokens": 96, "epochs": 2, "patience": None, "validation": 0.2}
WORDS: dict[str, Any] = {**NETWORK, "vocabulary": 60, "tokens": "words"}
ENCODER = Path(__file__).parents[1] / "models" / "golden" / "bert"


FAMILIES = {"auto", "ngram", "bag", "cnn", "lstm", "transformer", "pretrained"}
"""The families that `make` makes a folder of."""


def make(target: Path) -> None:
    """Train and save all of them. Exits where a family has no folder here."""
    from tenor import TextClassifier, TextRegressor
    from tenor.config.run_config import PretrainConfig
    from tenor.models import registry
    from tenor.training import pretraining

    if missing := registry.FAMILIES.keys() - FAMILIES:
        raise SystemExit(f"no folder of {', '.join(sorted(missing))}: add one to `make`, and the name to `FAMILIES`.")

    def classifier(name: str, family: str, settings: dict[str, Any], labels: Any = LABELS, texts: Any = TEXTS) -> None:
        TextClassifier(family, settings, random_state=3).fit(texts, labels).save(target / name)

    classifier("ngram", "ngram", {"word_ngrams": [1, 2], "char_ngrams": [3], "weighting": "tf-idf", "C": 10.0})
    classifier("labels", "ngram", {"word_ngrams": [1], "weighting": "naive-bayes", "C": 1.0}, SETS)
    numbers = {"word_ngrams": [1], "weighting": "tf-idf", "C": 1.0}
    TextRegressor("ngram", numbers, random_state=3).fit(TEXTS, [float(len(text)) for text in TEXTS]).save(
        target / "numbers"
    )
    classifier("bag", "bag", {**NETWORK, "vocabulary": 60, "embedding": 4, "hidden": [6]})
    classifier("cnn", "cnn", {**WORDS, "embedding": 4, "filters": 4, "widths": [2, 3]})
    classifier("lstm", "lstm", {**WORDS, "embedding": 4, "units": 4, "bidirectional": True, "pooling": "mean"})
    transformer = {**WORDS, "width": 8, "heads": 2, "feed_forward": 8}
    classifier("transformer", "transformer", transformer)
    subwords = {**NETWORK, "vocabulary": 1_000, "tokens": "subwords", "embedding": 2, "units": 4}
    classifier("subwords", "lstm", subwords, texts=CHINESE)
    pretrained = {**NETWORK, "tune": "frozen", "model": str(ENCODER), "max_length": 20}
    os.chdir(ENCODER.parent)
    classifier("pretrained", "pretrained", {**pretrained, "model": "bert"})
    _blend(target)
    corpus = target / "corpus.txt"
    corpus.write_text("\n".join(TEXTS), encoding="utf-8")
    run = PretrainConfig(str(corpus), settings=transformer, out=str(target / "encoder"))
    pretraining.pretrain(run)
    corpus.unlink()


def make_fields(target: Path) -> None:
    """Train and save the models of `tests/golden/format-4`, which read several fields."""
    from tenor import TextClassifier

    rows = [
        {
            "title": text,
            "body": f"we saw it {index} times",
            "price": index % 7 / 2,
            "country": ("de", "fr", None)[index % 3],
        }
        | {"day": f"2024-03-{index % 28 + 1:02}"}
        for index, text in enumerate(TEXTS)
    ]
    several = ("title", "body"), ("price", "country", "day")
    small = {"word_ngrams": [1], "char_ngrams": [], "weighting": "tf-idf", "C": 1.0}
    model = TextClassifier("ngram", small, random_state=3, text=several[0], features=several[1])
    model.fit(rows, LABELS).save(target / "fields")
    pairs = [{"question1": text, "question2": TEXTS[-index]} for index, text in enumerate(TEXTS)]
    TextClassifier("ngram", small, random_state=3, pair=True).fit(pairs, LABELS).save(target / "pair")


def _blend(target: Path) -> None:
    """A blend of two of the others, the network in int8 too."""
    from tenor import load
    from tenor.inference import bundle
    from tenor.models.auto.blend import Blend, Member
    from tenor.models.families import auto
    from tenor.models.onnx import export

    saved = {name: load(target / name).bundle for name in ("ngram", "bag")}
    network: Any = saved["bag"].model
    models = {"ngram": saved["ngram"].model, "bag": export.quantised(network.network, network)}
    members = [Member(saved[name].family, saved[name].config, models[name], weight=0.5) for name in models]
    blended = replace(saved["ngram"], family=auto.FAMILY, config=auto.Config(), model=Blend(tuple(members)))
    bundle.save(blended, target / "blend")


if __name__ == "__main__":
    make(Path(sys.argv[1]).resolve())
