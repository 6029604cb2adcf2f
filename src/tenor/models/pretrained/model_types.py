"""How each model type of Hugging Face names settings and tensors, and which parts its blocks have.

A new model type whose blocks have parts of `Architecture` is one more entry of `MODEL_TYPES`.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tenor._core.records import JsonObject, Record
from tenor.models.pretrained import type_settings


@dataclass(frozen=True)
class ConfigKeys:
    """The keys of config.json for the fields of `Architecture`. The defaults are those of BERT.

    Of several keys, separated by `|`, the first one that config.json has is read.
    """

    tokens: str = "vocab_size"
    positions: str = "max_position_embeddings"
    width: str = "hidden_size"
    blocks: str = "num_hidden_layers"
    heads: str = "num_attention_heads"
    hidden: str = "intermediate_size"
    activation: str = "hidden_act"
    epsilon: str = "layer_norm_eps"


@dataclass(frozen=True)
class EmbeddingTensors:
    """The tensors of the embeddings, and those that all blocks share. Defaults: BERT.

    Attributes:
        tokens: Table of tokens.
        positions: Table of positions.
        segments: Tables whose first row is added to all tokens, if they are there.
        norm: Normalisation.
        projection: Layer from the width of the tables to that of the values.
        relative: Table of relative positions.
        relative_norm: Its normalisation.
        convolution: Convolution after the first block.
        convolution_norm: Its normalisation.
        final_norm: Normalisation above all blocks.
    """

    tokens: str = "embeddings.word_embeddings"
    positions: str = "embeddings.position_embeddings"
    segments: tuple[str, ...] = ("embeddings.token_type_embeddings",)
    norm: str = "embeddings.LayerNorm"
    projection: str = "embeddings_project"
    relative: str = "encoder.rel_embeddings"
    relative_norm: str = "encoder.LayerNorm"
    convolution: str = "encoder.conv.conv"
    convolution_norm: str = "encoder.conv.LayerNorm"
    final_norm: str = "encoder.LayerNorm"


@dataclass(frozen=True)
class BlockTensors:
    """The tensors of a block: `prefix`, with the number of the block, and the names after it. Defaults: BERT.

    Each name stands for a weight, and a bias where the block has one.

    Attributes:
        prefix: Start of all names.
        query_key_value: Query, key and value of the attention: one name each, or one for all.
        attended: Output projection of the attention.
        attention: Normalisation of the attention.
        up: First feed-forward layer. A gated one has the layer that is activated, then the other; or one for both.
        activated_last: Whether, in one layer for both, the part that is activated comes last.
        down: Second feed-forward layer.
        feed_forward: Normalisation of the feed-forward layers.
    """

    prefix: str = "encoder.layer.{}"
    query_key_value: tuple[str, ...] = ("attention.self.query", "attention.self.key", "attention.self.value")
    attended: str = "attention.output.dense"
    attention: str = "attention.output.LayerNorm"
    up: tuple[str, ...] = ("intermediate.dense",)
    activated_last: bool = False
    down: str = "output.dense"
    feed_forward: str = "output.LayerNorm"

    def name(self, number: int, part: str) -> str:
        """The name of a tensor of a block, without `.weight`."""
        return f"{self.prefix.format(number)}.{part}"


@dataclass(frozen=True)
class ModelType:
    """How a model type of Hugging Face differs from BERT.

    Attributes:
        keys: Keys of config.json.
        embeddings: Names of the tensors outside blocks.
        block: Names of the tensors of a block.
        parts: Fields of `Architecture` that all models of the type have.
        settings: Reads further fields of `Architecture` from config.json.
        first_position_after_padding: Whether positions are numbered from the padding id plus 1 on, so that the rows of
            the table before it are unused.
        has_epsilon: Whether config.json has the epsilon of the normalisations.
        interleaved: Whether rotary positions pair neighbouring values, rather than those of the two halves of a head.
        default_activation: The activation where config.json names none.
        default_epsilon: The epsilon of the normalisations where config.json has none.
    """

    keys: ConfigKeys = field(default_factory=ConfigKeys)
    embeddings: EmbeddingTensors = field(default_factory=EmbeddingTensors)
    block: BlockTensors = field(default_factory=BlockTensors)
    parts: Mapping[str, object] = field(default_factory=dict)
    settings: Callable[[Record], JsonObject] = type_settings.bert
    first_position_after_padding: bool = False
    has_epsilon: bool = True
    interleaved: bool = False
    default_activation: str = "gelu"
    default_epsilon: float = 1e-12


_ROBERTA = ModelType(first_position_after_padding=True)

_GTE = ModelType(
    block=BlockTensors(
        query_key_value=("attention.qkv_proj",),
        attended="attention.o_proj",
        attention="attn_ln",
        up=("mlp.up_gate_proj",),
        activated_last=True,
        down="mlp.down_proj",
        feed_forward="mlp_ln",
    ),
    parts={"absolute_positions": False, "gated": True, "up_bias": False},
    settings=type_settings.gte,
)

MODEL_TYPES: Mapping[str, ModelType] = {
    "bert": ModelType(),
    "distilbert": ModelType(
        keys=ConfigKeys(width="dim", blocks="n_layers", heads="n_heads", hidden="hidden_dim", activation="activation"),
        block=BlockTensors(
            prefix="transformer.layer.{}",
            query_key_value=("attention.q_lin", "attention.k_lin", "attention.v_lin"),
            attended="attention.out_lin",
            attention="sa_layer_norm",
            up=("ffn.lin1",),
            down="ffn.lin2",
            feed_forward="output_layer_norm",
        ),
        has_epsilon=False,
    ),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "electra": ModelType(),
    "albert": ModelType(
        embeddings=EmbeddingTensors(projection="encoder.embedding_hidden_mapping_in"),
        block=BlockTensors(
            prefix="encoder.albert_layer_groups.0.albert_layers.{}",
            query_key_value=("attention.query", "attention.key", "attention.value"),
            attended="attention.dense",
            attention="attention.LayerNorm",
            up=("ffn",),
            down="ffn_output",
            feed_forward="full_layer_layer_norm",
        ),
        parts={"shared": True},
        settings=type_settings.albert,
    ),
    # Sun et al. (2021), "ERNIE 3.0".
    "ernie": ModelType(
        embeddings=EmbeddingTensors(
            segments=("embeddings.token_type_embeddings", "embeddings.task_type_embeddings"),
        ),
    ),
    # Su et al. (2021), "RoFormer: Enhanced Transformer with Rotary Position Embedding".
    "roformer": ModelType(
        parts={"absolute_positions": False, "rotary_base": 10_000.0},
        settings=type_settings.roformer,
        interleaved=True,
    ),
    # Song et al. (2020), "MPNet: Masked and Permuted Pre-training for Language Understanding".
    "mpnet": ModelType(
        embeddings=EmbeddingTensors(segments=(), relative="encoder.relative_attention_bias"),
        block=BlockTensors(
            query_key_value=("attention.attn.q", "attention.attn.k", "attention.attn.v"),
            attended="attention.attn.o",
            attention="attention.LayerNorm",
        ),
        parts={"relative": "bias", "buckets": 32, "max_distance": 128},
        settings=type_settings.mpnet,
        first_position_after_padding=True,
    ),
    # Warner et al. (2024), "Smarter, Better, Faster, Longer"; mmBERT: Marone et al. (2025).
    "modernbert": ModelType(
        keys=ConfigKeys(activation="hidden_activation", epsilon="norm_eps"),
        embeddings=EmbeddingTensors(
            tokens="embeddings.tok_embeddings", segments=(), norm="embeddings.norm", final_norm="final_norm"
        ),
        block=BlockTensors(
            prefix="layers.{}",
            query_key_value=("attn.Wqkv",),
            attended="attn.Wo",
            attention="attn_norm",
            up=("mlp.Wi",),
            down="mlp.Wo",
            feed_forward="mlp_norm",
        ),
        parts={"absolute_positions": False, "gated": True, "norm_first": True, "first_attention_norm": False},
        settings=type_settings.modernbert,
        default_epsilon=1e-5,
    ),
    # He et al. (2021), "DeBERTa: Decoding-enhanced BERT with Disentangled Attention"; DeBERTaV3: He et al. (2023).
    "deberta-v2": ModelType(
        block=BlockTensors(
            query_key_value=(
                "attention.self.query_proj",
                "attention.self.key_proj",
                "attention.self.value_proj",
            ),
        ),
        settings=type_settings.deberta,
        default_epsilon=1e-7,
    ),
    # Boizard et al. (2025), "EuroBERT: Scaling Multilingual Encoders for European Languages".
    "eurobert": ModelType(
        keys=ConfigKeys(epsilon="rms_norm_eps"),
        embeddings=EmbeddingTensors(tokens="embed_tokens", segments=(), final_norm="norm"),
        block=BlockTensors(
            prefix="layers.{}",
            query_key_value=("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
            attended="self_attn.o_proj",
            attention="input_layernorm",
            up=("mlp.gate_proj", "mlp.up_proj"),
            down="mlp.down_proj",
            feed_forward="post_attention_layernorm",
        ),
        parts={
            "absolute_positions": False,
            "embedding_norm": False,
            "norm": "rms",
            "norm_first": True,
            "gated": True,
        },
        settings=type_settings.eurobert,
        default_activation="silu",
        default_epsilon=1e-5,
    ),
    # Zhang et al. (2024), "mGTE". Published folders have the type `new`, those of `transformers` have `gte`.
    "new": _GTE,
    "gte": _GTE,
    # Nussbaum et al. (2024), "Nomic Embed".
    "nomic_bert": ModelType(
        keys=ConfigKeys(
            positions="max_trained_positions|n_positions|max_position_embeddings",
            width="n_embd|hidden_size",
            blocks="n_layer|num_hidden_layers",
            heads="n_head|num_attention_heads",
            hidden="n_inner|intermediate_size",
            activation="activation_function|hidden_act",
            epsilon="layer_norm_epsilon|layer_norm_eps",
        ),
        embeddings=EmbeddingTensors(norm="emb_ln"),
        block=BlockTensors(
            prefix="encoder.layers.{}",
            query_key_value=("attn.Wqkv",),
            attended="attn.out_proj",
            attention="norm1",
            up=("mlp.fc12", "mlp.fc11"),
            down="mlp.fc2",
            feed_forward="norm2",
        ),
        parts={"absolute_positions": False, "gated": True},
        settings=type_settings.nomic,
        default_activation="silu",
    ),
    # Goyal et al. (2021), "Larger-Scale Transformers for Multilingual Masked Language Modeling".
    "xlm-roberta-xl": ModelType(
        block=BlockTensors(attention="attention.self_attn_layer_norm", feed_forward="LayerNorm"),
        parts={"norm_first": True, "embedding_norm": False},
        first_position_after_padding=True,
        default_epsilon=1e-5,
    ),
}
"""`model_type` of config.json -> how it is read."""


def nearest(model_type: str) -> list[str]:
    """The known types whose names are nearest to another one, the nearest first; empty: none is near."""
    return difflib.get_close_matches(model_type.lower().replace("_", "-"), MODEL_TYPES, n=3, cutoff=0.5)
