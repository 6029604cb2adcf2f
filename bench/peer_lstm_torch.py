"""Peer: an epoch of PyTorch's fused LSTM over the training reviews, in its quickest setting.

The layers are those of the Keras script, in batches of 32, 64 or 128 texts of 200 words, in float32 or under bfloat16
autocast where PyTorch has an LSTM for it. A few steps of each setting choose the quickest, which then runs the epoch.
With --quick two steps do. Denormal numbers count as 0, as in TensorFlow: gradients that vanish over 200 words are full
of them, and took ten times as long otherwise.
"""

import argparse
import os
import sys
from time import perf_counter

import torch
from torch import nn

from imdb import print_measurements, read_part
from words import VOCABULARY, encode, vocabulary, words

BATCHES = (32, 64, 128)
PRECISIONS = ("float32", "bfloat16")
TRIED_TEXTS = 2_048
UNTIMED = 2  # steps at the start, slower than the rest
SEED = 7


class Classifier(nn.Module):
    """Ids (batch, time) -> logits (batch,)."""

    def __init__(self) -> None:
        """Make the three layers."""
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 128)
        self.lstm = nn.LSTM(128, 128, batch_first=True)
        self.head = nn.Linear(128, 1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """The logits, from the state after the last word."""
        return self.head(self.lstm(self.embedding(ids))[0][:, -1]).squeeze(-1)


def epoch(x: torch.Tensor, y: torch.Tensor, batch: int, precision: str) -> tuple[float, float]:
    """Train on all rows once, after a few steps that do not count.

    Returns:
        Seconds and mean loss.
    """
    torch.manual_seed(SEED)
    model, total = Classifier().train(), 0.0
    optimizer = torch.optim.Adam(model.parameters())
    order = torch.randperm(len(x))
    starts = [*range(0, UNTIMED * batch, batch), *range(0, len(x), batch)]
    start = perf_counter()
    for step, at in enumerate(starts):
        if step == UNTIMED:
            start, total = perf_counter(), 0.0
        rows = order[at : at + batch]
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            logits = model(x[rows])
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), y[rows])
        loss.backward()
        optimizer.step()
        total += float(loss.detach()) * len(rows)
    return perf_counter() - start, total / len(x)


def missing(precision: str, x: torch.Tensor, y: torch.Tensor) -> str:
    """Why PyTorch cannot train in this precision on this processor; empty where it can."""
    try:
        epoch(x[:2], y[:2], 2, precision)
    except RuntimeError as error:
        return str(error).partition("\n")[0]
    return ""


def main() -> None:
    """Choose the setting, run the epoch, print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    tried_texts = 256 if parser.parse_args().quick else TRIED_TEXTS
    torch.set_flush_denormal(True)
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    texts, labels = read_part("train")
    tokenised = [words(text) for text in texts]
    x, y = torch.tensor(encode(tokenised, vocabulary(tokenised))), torch.tensor(labels, dtype=torch.float32)
    tried, cannot = {}, {}
    for precision in PRECISIONS:
        if reason := missing(precision, x, y):
            cannot[precision] = reason
            print(f"PyTorch, {precision}: {reason}", file=sys.stderr, flush=True)
            continue
        for batch in BATCHES:
            few = torch.randperm(len(x))[:tried_texts]
            seconds, _ = epoch(x[few], y[few], batch, precision)
            tried[f"{precision}, {batch}"] = len(few) / seconds
            print(f"PyTorch, {precision}, {batch}: {len(few) / seconds:,.0f} texts/s", file=sys.stderr, flush=True)
    best = max(tried, key=lambda name: tried[name])
    precision, batch = best.split(", ")
    epoch_s, loss = epoch(x, y, int(batch), precision)
    print_measurements(epoch_s=epoch_s, texts_per_s=len(x) / epoch_s, loss=loss, best=best, tried=tried, cannot=cannot)


if __name__ == "__main__":
    main()
