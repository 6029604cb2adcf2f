"""Peer: LIME explains Tenor's model with its default 5,000 samples: `python peer_lime.py MODEL TEXTS PYTHON OUT`.

PYTHON is that of Tenor's environment. All words of a review get a weight, not only the default 10 of them, so that all
can be ranked. OUT gets a JSON list of [begin, end, weight] of words a line. The seconds leave out what it takes to hand
texts and probabilities from one environment to the other.
"""

import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from lime.lime_text import IndexedString, LimeTextExplainer

from explained import drawn_tests
from imdb import SEED, print_measurements


def main() -> None:
    """Explain each review by itself, write the ranked words, print the measurements."""
    model, texts, python, out = sys.argv[1], drawn_tests(int(sys.argv[2])), sys.argv[3], Path(sys.argv[4])
    command = [python, str(Path(__file__).with_name("tenor_scores.py")), model]
    spent = {"predict_s": 0.0, "handed_s": 0.0}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None and server.stdout is not None

        def scores(perturbed: list[str]) -> np.ndarray:
            start = perf_counter()
            server.stdin.write(json.dumps(perturbed) + "\n")
            server.stdin.flush()
            answer = json.loads(server.stdout.readline())
            spent["predict_s"] += answer["seconds"]
            spent["handed_s"] += perf_counter() - start - answer["seconds"]
            return np.array(answer["scores"])

        scores(texts[:1])
        spent = dict.fromkeys(spent, 0.0)
        explainer, lines = LimeTextExplainer(random_state=SEED), []
        start = perf_counter()
        for text in texts:
            indexed = IndexedString(text)
            label = int(scores([text]).argmax())
            result = explainer.explain_instance(text, scores, labels=[label], num_features=indexed.num_words())
            weights = dict(result.as_map()[label])
            lines.append(
                sorted(
                    [int(begin), int(begin) + len(indexed.word(index)), float(weight)]
                    for index, weight in weights.items()
                    for begin in indexed.string_position(index)
                )
            )
        total_s = perf_counter() - start
        server.stdin.close()
    out.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    print_measurements(texts=len(texts), explain_s=total_s - spent["handed_s"], **spent)


if __name__ == "__main__":
    main()
