"""Peer: the LSTM classifier as a plain Keras script writes it, trained for a fixed number of epochs."""

import argparse
import sys
from time import perf_counter
from typing import Any

import keras
import numpy as np

from imdb import print_measurements, read_part
from words import VOCABULARY, encode, vocabulary, words

BATCH = 32
SEED = 7


class TestAfterEachEpoch(keras.callbacks.Callback):
    """Measures the test accuracy after each epoch, and the time that takes.

    Attributes:
        accuracies: Test accuracy by epoch.
        seconds: Time spent here so far, to be left out of the training time.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        """Take the test part: ids of shape (texts, LENGTH) and labels of shape (texts,)."""
        super().__init__()
        self.x, self.y = x, y
        self.accuracies: list[float] = []
        self.seconds = 0.0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Evaluate on the test part."""
        start = perf_counter()
        _, accuracy = self.model.evaluate(self.x, self.y, batch_size=256, verbose=0)
        self.accuracies.append(float(accuracy))
        print(f"Keras script, epoch {epoch + 1}: test accuracy {accuracy:.4f}", file=sys.stderr, flush=True)
        self.seconds += perf_counter() - start


def build() -> keras.Model:
    """The three layers, compiled."""
    layers = keras.layers
    model = keras.Sequential(
        [layers.Embedding(VOCABULARY, 128), layers.LSTM(128), layers.Dense(1, activation="sigmoid")]
    )
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    """Train, test after each epoch, print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=10)
    epochs = parser.parse_args().epochs
    keras.utils.set_random_seed(SEED)

    start = perf_counter()
    texts, labels = read_part("train")
    read_s = perf_counter() - start

    encode_start = perf_counter()
    tokenised = [words(text) for text in texts]
    ids = vocabulary(tokenised)
    x, y = np.array(encode(tokenised, ids), np.int32), np.array(labels)
    # `fit` shuffles too, but this file is sorted by label: start from rows in random order.
    order = np.random.default_rng(SEED).permutation(len(x))
    x, y = x[order], y[order]
    encode_s = perf_counter() - encode_start

    test_texts, test_labels = read_part("test")
    test_x = np.array(encode(map(words, test_texts), ids), np.int32)
    test = TestAfterEachEpoch(test_x, np.array(test_labels))

    fit_start = perf_counter()
    build().fit(x, y, batch_size=BATCH, epochs=epochs, callbacks=[test], verbose=0)
    fit_s = perf_counter() - fit_start - test.seconds

    print_measurements(
        accuracy=test.accuracies[-1],
        accuracy_by_epoch=test.accuracies,
        epochs=epochs,
        read_s=read_s,
        encode_s=encode_s,
        fit_s=fit_s,
        total_s=perf_counter() - start,
    )


if __name__ == "__main__":
    main()
