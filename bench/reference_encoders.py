"""Write the small encoders of `tests/models/golden`, in the environment of the peers.

    .venv-bench/bin/python bench/reference_encoders.py tests/models/golden [TYPE ...]

Each folder has random weights, the ids and last hidden states of a few texts, and the gradient of every weight. All
values come from the classes of `transformers`; nothing is downloaded, and no code of a model's folder is executed.
`new` is the type of the published folders of GTE; `transformers` has its computation as `gte`.
"""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModel
from transformers.models.deberta_v2 import modeling_deberta_v2
from transformers.models.mpnet.modeling_mpnet import MPNetEncoder

TEXTS = [
    "Good film, 不好看",
    "really bad plot",
    "",
    "a good film a bad plot the really good film the bad film a really bad plot good good plot film",
]
_DISTANCES = torch.arange(-511, 512)


@dataclass(frozen=True)
class Encoder:
    """A small encoder.

    Attributes:
        model_type: `model_type` for `transformers`.
        config: What differs from `COMMON` in its config.json.
        published: Replacements in config.json, where published folders have other keys than `transformers` writes.
        tokens: A folder whose tokenizer.json it takes.
        segments: Tensors of which Tenor adds the first row to another table; their gradients are written as zeros.
    """

    model_type: str
    config: dict[str, Any] = field(default_factory=dict)
    published: dict[str, Any] | None = None
    tokens: str = "bert"
    segments: tuple[str, ...] = ("token_type_embeddings.weight", "task_type_embeddings.weight")


COMMON = {
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "max_position_embeddings": 40,
    "initializer_range": 0.15,
    "pad_token_id": 0,
}
_DEBERTA = {
    "relative_attention": True,
    "position_buckets": 4,
    "max_relative_positions": -1,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": "p2c|c2p",
    "position_biased_input": False,
    "layer_norm_eps": 1e-7,
    "type_vocab_size": 0,
}
_GTE = {"rope_parameters": {"rope_type": "default", "rope_theta": 20_000.0}, "type_vocab_size": 1}
_NEW = {
    "model_type": "new",
    "position_embedding_type": "rope",
    "layer_norm_type": "layer_norm",
    "pack_qkv": True,
    "logn_attention_scale": False,
    "rope_theta": 20_000.0,
    "rope_scaling": None,
    "rope_parameters": None,
}
_NOMIC = {
    "hidden_size": None,
    "num_hidden_layers": None,
    "num_attention_heads": None,
    "intermediate_size": None,
    "hidden_act": None,
    "layer_norm_eps": None,
    "max_position_embeddings": None,
    "rope_parameters": None,
    "head_dim": None,
    "n_embd": 8,
    "n_layer": 2,
    "n_head": 2,
    "n_inner": 12,
    "n_positions": 8192,
    "max_trained_positions": 40,
    "activation_function": "swiglu",
    "layer_norm_epsilon": 1e-12,
    "prenorm": False,
    "use_rms_norm": False,
    "qkv_proj_bias": False,
    "mlp_fc1_bias": False,
    "mlp_fc2_bias": False,
    "rotary_emb_base": 1000,
    "rotary_emb_fraction": 1.0,
    "rotary_emb_interleaved": False,
    "rotary_scaling_factor": None,
}

ENCODERS = {
    "ernie": Encoder("ernie", {"use_task_id": True, "type_vocab_size": 4}),
    "roformer": Encoder("roformer", {"embedding_size": 6}),
    "mpnet": Encoder("mpnet", {"pad_token_id": 1, "relative_attention_num_buckets": 32}, tokens="roberta"),
    "modernbert": Encoder(
        "modernbert", {"num_hidden_layers": 4, "local_attention": 6, "global_attn_every_n_layers": 3}
    ),
    "deberta-v2": Encoder("deberta-v2", {**_DEBERTA, "conv_kernel_size": 3, "conv_act": "gelu"}),
    "deberta-v3": Encoder("deberta-v2", _DEBERTA),
    "eurobert": Encoder(
        "eurobert",
        {
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "hidden_size": 16,
            "rope_parameters": {"rope_type": "default", "rope_theta": 250_000.0},
        },
    ),
    "new": Encoder("gte", _GTE, _NEW),
    "nomic_bert": Encoder("nomic_bert", {"rope_parameters": {"rope_type": "default", "rope_theta": 1000.0}}, _NOMIC),
    "xlm-roberta-xl": Encoder("xlm-roberta-xl", {"pad_token_id": 1, "type_vocab_size": 1}, tokens="xlm-roberta"),
}


def write(golden: Path, name: str, encoder: Encoder) -> None:
    """Write a folder."""
    tokenizer = Tokenizer.from_file(str(golden / encoder.tokens / "tokenizer.json"))
    tokenizer.no_padding()
    folder = golden / name
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_bytes((golden / encoder.tokens / "tokenizer.json").read_bytes())
    torch.manual_seed(7)
    values = {**COMMON, "vocab_size": tokenizer.get_vocab_size(), **encoder.config}
    config = AutoConfig.for_model(encoder.model_type, **values)
    model = AutoModel.from_config(config, attn_implementation="eager").eval().float()
    with torch.no_grad():  # norms and biases too, so that each one matters
        for path, parameter in model.named_parameters():
            if "embed_positions" not in path:  # a table of sines and cosines
                parameter.add_(0.1 * torch.randn_like(parameter))
    expected, loss = [], torch.zeros(())
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        hidden = model(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long))[0][0]
        weights = torch.cos(torch.arange(hidden.numel(), dtype=torch.float32)).reshape(hidden.shape)
        loss = loss + (hidden * weights).sum()
        expected.append({"text": text, "ids": ids, "values": [[round(v, 6) for v in row] for row in hidden.tolist()]})
    loss.backward()
    model.save_pretrained(folder)
    _write_gradients(model, folder, encoder.segments)
    document = json.loads((folder / "config.json").read_text(encoding="utf-8")) | (encoder.published or {})
    document = {key: value for key, value in document.items() if value is not None or key == "rope_scaling"}
    (folder / "config.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    result = {"versions": versions, **_buckets(name), "texts": expected}
    (folder / "expected.json").write_text(json.dumps(result, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_gradients(model: Any, folder: Path, segments: tuple[str, ...]) -> None:
    """Write the gradients under the names of the weights: they take the place of the weights, and are saved."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            gradient = parameter.grad
            zero = gradient is None or name.endswith(segments)
            parameter.copy_(torch.zeros_like(parameter) if zero else gradient)
    temporary = folder / "gradients"
    model.save_pretrained(temporary)
    (temporary / "model.safetensors").replace(folder / "gradients.safetensors")
    for file in temporary.iterdir():
        file.unlink()
    temporary.rmdir()


def _buckets(name: str) -> dict[str, Any]:
    """The buckets of relative positions for the sizes of published encoders."""
    if name == "deberta-v3":
        buckets = modeling_deberta_v2.make_log_bucket_position(_DISTANCES, 256, 512)
        return {"buckets": buckets.long().tolist()}
    if name == "mpnet":
        return {"buckets": MPNetEncoder.relative_position_bucket(_DISTANCES).tolist()}
    return {}


def main(golden: Path, names: list[str]) -> None:
    """Write the folders with these names, or all."""
    for name in names or ENCODERS:
        write(golden, name, ENCODERS[name])
        print(name, sum(file.stat().st_size for file in (golden / name).iterdir()), "bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
