"""Write the small sentence encoders of `tests/models/golden/sentences`, in the environment of the peers.

    .venv-bench/bin/python bench/reference_sentences.py tests/models/golden/sentences

Each has the Transformer of `tests/models/golden/bert` and other modules of Sentence Transformers. `expected.json` has
the vectors of a few texts.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import sentence_transformers
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Dense, Normalize, Pooling, Transformer

TEXTS = ["good film", "bad actors, a boring film! 电影", "", "the film is not good " * 4]
KINDS: dict[str, dict[str, Any]] = {
    "mean-normalised": {"pooling": "mean", "normalised": True, "max_length": 16},
    "first-dense": {"pooling": "cls", "dense": [(8, torch.nn.Tanh())], "max_length": 12},
    "last-two-dense": {
        "pooling": "lasttoken",
        "dense": [(10, torch.nn.Identity()), (6, torch.nn.Identity())],
        "normalised": True,
        "max_length": 32,
        "prompts": {"query": "good: ", "document": "film: "},
    },
    "max": {"pooling": "max", "max_length": 32, "prompts": {"Classification": "the actors | "}, "default": None},
}


def main(root: Path, transformer: Path) -> None:
    """Write a folder for each kind."""
    torch.manual_seed(0)
    for name, kind in KINDS.items():
        folder = root / name
        shutil.rmtree(folder, ignore_errors=True)
        modules: list[Any] = [Transformer(str(transformer), max_seq_length=kind["max_length"])]
        width = 12
        modules.append(Pooling(width, pooling_mode=kind["pooling"]))
        for outputs, activation in kind.get("dense", ()):
            modules.append(Dense(width, outputs, bias=outputs != 6, activation_function=activation))
            width = outputs
        modules += [Normalize()] * kind.get("normalised", False)
        encoder = SentenceTransformer(modules=modules, prompts=kind.get("prompts"), device="cpu")
        encoder.save(str(folder), create_model_card=False)
        prompts = kind.get("prompts", {})
        prompt = next(iter(prompts.values()), "")
        vectors = encoder.encode(TEXTS, prompt=prompt, convert_to_numpy=True)
        document = {
            "sentence_transformers": sentence_transformers.__version__,
            "prompt": prompt,
            "texts": TEXTS,
            "vectors": vectors.tolist(),
        }
        (folder / "expected.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")
        print(name, vectors.shape, sorted(path.name for path in folder.rglob("*")), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[1]).parent / "bert")
