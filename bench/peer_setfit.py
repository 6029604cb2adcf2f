"""Peer: SetFit with its defaults on a few phrases of SST-2: `python peer_setfit.py FOLDER PER_CLASS SEED LIMIT_S`.

The defaults of setfit 1.2: one epoch over the pairs of the sampling strategy "oversampling", batches of 16 pairs,
learning rate 2e-5, logistic regression as the head. A run that would take longer than LIMIT_S seconds is given up
after PROBE steps; the measurements then are `estimated_s` and no accuracy.
"""

import os
import sys
import tempfile
from time import perf_counter
from typing import Any

import torch
from datasets import Dataset
from setfit import SetFitModel, Trainer, TrainingArguments
from transformers import TrainerCallback

import sst2
from imdb import accuracy, print_measurements

PROBE = 20


class TooLongError(Exception):
    """The run would take longer than allowed; its only argument is the estimate in seconds."""


class Limit(TrainerCallback):
    """Estimates the whole time after PROBE steps. The first step, slower than the rest, does not count."""

    def __init__(self, limit_s: float) -> None:
        """Take the longest time allowed."""
        self.limit_s, self.begin, self.steps = limit_s, 0.0, 0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Give up where it would take too long."""
        self.steps = state.max_steps
        if state.global_step == 1:
            self.begin = perf_counter()
        if state.global_step == PROBE:
            estimated_s = (perf_counter() - self.begin) / (PROBE - 1) * state.max_steps
            print(f"SetFit: {state.max_steps:,} steps, about {estimated_s:,.0f} s", file=sys.stderr, flush=True)
            if estimated_s > self.limit_s:
                raise TooLongError(estimated_s)


def main() -> None:
    """Fit, predict the test sentences, print the measurements."""
    folder, per_class, seed, limit_s = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    texts, labels = sst2.draw(per_class, seed)
    test_texts, test_labels = sst2.test()
    limit = Limit(limit_s)
    with tempfile.TemporaryDirectory() as work:
        fit_start = perf_counter()
        model = SetFitModel.from_pretrained(folder, device="cpu")
        arguments = TrainingArguments(
            output_dir=work, seed=seed, report_to="none", save_strategy="no", show_progress_bar=False
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_dict({"text": texts, "label": labels}),
            callbacks=[limit],
        )
        try:
            trainer.train()
        except TooLongError as error:
            print_measurements(estimated_s=error.args[0], steps=limit.steps)
            return
        fit_s = perf_counter() - fit_start

    predict_start = perf_counter()
    predicted = [str(label) for label in model.predict(test_texts)]
    predict_s = perf_counter() - predict_start
    score = accuracy(predicted, test_labels)
    print_measurements(accuracy=score, fit_s=fit_s, predict_s=predict_s, steps=limit.steps)


if __name__ == "__main__":
    main()
