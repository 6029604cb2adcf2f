"""Peer: training steps of Hugging Face transformers: `python peer_steps.py FOLDER LENGTH PRECISION STEPS [BATCH]`.

AdamW, the model's own dropout, batches of BATCH texts (32) padded to LENGTH tokens; in bfloat16 by autocast. On the
graphics processor where there is one.
"""

import os
import sys
from time import perf_counter

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from imdb import drawn, print_measurements

BATCH = 32
UNTIMED = 2  # steps at the start, slower than the rest
SEED = 7


def main() -> None:
    """Take the steps, print the measurements."""
    folder, length, precision, steps = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    batch = int(sys.argv[5]) if len(sys.argv) > 5 else BATCH
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    torch.manual_seed(SEED)
    texts, labels = drawn(batch * (steps + UNTIMED))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = tokenizer(texts, truncation=True, max_length=length, padding="max_length", return_tensors="pt").to(device)
    expected = torch.tensor(labels, device=device)
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2).train().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5)

    seconds, tokens = 0.0, 0
    for step in range(UNTIMED + steps):
        chosen = slice(step * batch, (step + 1) * batch)
        start = perf_counter()
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16"):
            loss = model(**{name: value[chosen] for name, value in rows.items()}, labels=expected[chosen]).loss
        loss.backward()
        optimizer.step()
        loss.item()  # waits for a graphics processor
        if step >= UNTIMED:
            seconds += perf_counter() - start
            tokens += int(rows["attention_mask"][chosen].sum())
    padded = steps * batch * length
    print_measurements(
        steps=steps,
        seconds=seconds,
        tokens=tokens,
        padded_tokens=padded,
        tokens_per_s=tokens / seconds,
        padded_tokens_per_s=padded / seconds,
    )


if __name__ == "__main__":
    main()
