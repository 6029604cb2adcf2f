"""Write the pairs of texts of `tests/models/golden/pairs.json`, in the environment of the peers.

    .venv-bench/bin/python bench/reference_pairs.py tests/models/golden

For each small encoder with token types: ids, token types and last hidden states of pairs of texts, by `transformers`.
The tokenizers get the pair form of BERT, which published encoders have.
"""

import inspect
import json
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from transformers import AutoModel, PreTrainedTokenizerFast

KINDS = ("bert", "albert", "electra", "ernie", "roformer", "deberta-v3", "distilbert")
PAIRS = [
    ("good film", "really bad plot"),
    ("", "a good film"),
    ("a bad film, 不好看", "good plot good"),
]
PAIR_FORM = "[CLS] $A [SEP] $B:1 [SEP]:1"


def main(golden: Path) -> None:
    """Write the file."""
    expected = {}
    for kind in KINDS:
        content = json.loads((golden / kind / "tokenizer.json").read_text(encoding="utf-8"))
        vocabulary = content["model"]["vocab"]
        ids = (
            dict(vocabulary) if isinstance(vocabulary, dict) else {name: at for at, (name, _) in enumerate(vocabulary)}
        )
        content["post_processor"] = with_pairs(content["post_processor"], ids)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tokenizer.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(path))
        model = AutoModel.from_pretrained(golden / kind, dtype=torch.float32).eval()
        rows = []
        for first, second in PAIRS:
            inputs = tokenizer(first, second, return_tensors="pt", return_token_type_ids=True)
            types = inputs["token_type_ids"]
            has_types = "token_type_ids" in inspect.signature(model.forward).parameters
            with torch.no_grad():
                values = model(
                    input_ids=inputs["input_ids"],
                    attention_mask=inputs["attention_mask"],
                    **({"token_type_ids": types} if has_types else {}),
                ).last_hidden_state
            rows.append(
                {
                    "texts": [first, second],
                    "ids": inputs["input_ids"][0].tolist(),
                    "types": types[0].tolist(),
                    "values": [[round(number, 5) for number in row] for row in values[0].tolist()],
                }
            )
        expected[kind] = {"post_processor": content["post_processor"], "rows": rows}
    made_with = f"transformers {transformers.__version__}, torch {torch.__version__}"
    result = {"made_with": made_with, "kinds": expected}
    (golden / "pairs.json").write_text(json.dumps(result, ensure_ascii=False) + "\n", encoding="utf-8")


def with_pairs(processor: dict, ids: dict) -> dict:
    """The post-processor of a single text, with BERT's form of two."""
    names = [next(iter(piece.values()))["id"] for piece in processor["single"]]
    before, after = names[: names.index("A")], names[names.index("A") + 1 :]

    def special(name: str, kind: int) -> dict:
        return {"SpecialToken": {"id": name, "type_id": kind}}

    pair = [special(name, 0) for name in before] + [{"Sequence": {"id": "A", "type_id": 0}}]
    pair += [special(name, 0) for name in after] + [{"Sequence": {"id": "B", "type_id": 1}}]
    return {**processor, "pair": pair + [special(name, 1) for name in after]}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
