"""Settings of config.json that some model types have alone. What Tenor does not compute is refused."""

from collections.abc import Mapping

from tenor._core.language import tr
from tenor._core.records import JsonObject, Record

_MOST_POSITIONS = 1 << 20
_LARGEST_BASE = 1e12


def bert(config: Record) -> JsonObject:
    """BERT and its relatives."""
    _require(config, {"position_embedding_type": "absolute"}, tr("its positions are not absolute"))
    return {}


def albert(config: Record) -> JsonObject:
    """ALBERT, whose blocks are all the same."""
    _require(config, {"num_hidden_groups": 1, "inner_group_num": 1}, tr("its blocks are of several kinds"))
    return bert(config)


def roformer(config: Record) -> JsonObject:
    """RoFormer."""
    _require(config, {"rotary_value": False}, tr("it rotates the values of the attention too"))
    return {}


def mpnet(config: Record) -> JsonObject:
    """MPNet, whose implementation always has 32 buckets."""
    _require(config, {"relative_attention_num_buckets": 32}, tr("only 32 buckets of relative positions are known"))
    return {}


def modernbert(config: Record) -> JsonObject:
    """ModernBERT and mmBERT: some blocks attend to all tokens, the others to near ones."""
    blocks = config.integer("num_hidden_layers", 1, _MOST_POSITIONS)
    every, kinds = config.values.get("global_attn_every_n_layers"), config.values.get("layer_types")
    if isinstance(kinds, list):
        full = [number for number, kind in enumerate(kinds) if kind == "full_attention"]
        every = full[1] if len(full) > 1 else blocks
        pattern = ["sliding_attention" if number % every else "full_attention" for number in range(blocks)]
        if kinds != pattern:
            raise config.error("layer_types", tr("blocks that attend to all tokens do not follow at regular distances"))
    elif every is None:
        every = 3
    rotary = config.values.get("rope_parameters")
    bases = {"rotary_base": ("full_attention", "global_rope_theta", 160_000.0)}
    bases["local_rotary_base"] = ("sliding_attention", "local_rope_theta", 10_000.0)
    result: JsonObject = {}
    for name, (kind, key, default) in bases.items():
        of_kind = rotary.get(kind) if isinstance(rotary, dict) else None
        record = Record(of_kind, config.file, f"rope_parameters.{kind}") if isinstance(of_kind, dict) else config
        _require(record, {"rope_type": "default"}, tr("its rotary positions are scaled"))
        key = "rope_theta" if record is not config else key
        result[name] = default if record.values.get(key) is None else record.number(key, 1, _LARGEST_BASE)
    _require(config, {"rope_scaling": None}, tr("its rotary positions are scaled"))
    mlp_bias = _flag(config, "mlp_bias", False)
    window = 128 if config.values.get("local_attention") is None else config.integer("local_attention", 2, 1 << 20)
    return {
        **result,
        "window": window // 2,
        "full_attention_every": every,
        "norm_shift": _flag(config, "norm_bias", False),
        "attention_bias": _flag(config, "attention_bias", False),
        "up_bias": mlp_bias,
        "down_bias": mlp_bias,
    }


def deberta(config: Record) -> JsonObject:
    """DeBERTa v2 and v3."""
    values = config.values
    result: JsonObject = {"absolute_positions": _flag(config, "position_biased_input", True)}
    if values.get("embedding_size", values.get("hidden_size")) != values.get("hidden_size"):
        raise config.error("embedding_size", tr("only tables of the width of the values are known"))
    kernel = values.get("conv_kernel_size")
    if kernel:
        _require(config, {"conv_groups": 1}, tr("only convolutions of one group are known"))
        result["convolution"] = config.integer("conv_kernel_size", 1, 99)
        result["convolution_activation"] = values.get("conv_act", "tanh")
    if not _flag(config, "relative_attention", False):
        return result
    terms = values.get("pos_att_type") or []
    names = terms.split("|") if isinstance(terms, str) else terms
    if not isinstance(names, list) or {str(name).strip().lower() for name in names} != {"c2p", "p2c"}:
        raise config.error("pos_att_type", tr("only 'c2p' and 'p2c' together are known"))
    if not _flag(config, "share_att_key", False):
        raise config.error("share_att_key", tr("positions have projections of their own, which are not known"))
    distance = values.get("max_relative_positions", -1)
    if not isinstance(distance, int) or distance < 1:
        distance = config.integer("max_position_embeddings", 1, _MOST_POSITIONS)
    buckets = values.get("position_buckets", -1)
    has_buckets = isinstance(buckets, int) and buckets > 0
    norms = [name.strip() for name in str(values.get("norm_rel_ebd", "none")).lower().split("|")]
    return {
        **result,
        "relative": "disentangled",
        "buckets": buckets if has_buckets else distance,
        "max_distance": distance if has_buckets else None,
        "relative_norm": "layer_norm" in norms,
    }


def eurobert(config: Record) -> JsonObject:
    """EuroBERT."""
    key_heads = config.values.get("num_key_value_heads")
    mlp_bias = _flag(config, "mlp_bias", False)
    return {
        **_rotary(config, "rope_theta", 10_000.0),
        "key_heads": None if key_heads == config.values.get("num_attention_heads") else key_heads,
        "attention_bias": _flag(config, "attention_bias", False),
        "up_bias": mlp_bias,
        "down_bias": mlp_bias,
    }


def gte(config: Record) -> JsonObject:
    """GTE v1.5 and multilingual GTE."""
    _require(config, {"position_embedding_type": "rope"}, tr("its positions are not rotary"))
    _require(config, {"layer_norm_type": "layer_norm"}, tr("only layer normalisation is known"))
    _require(config, {"logn_attention_scale": False}, tr("its attention scores are scaled by the length"))
    _require(config, {"pack_qkv": True}, tr("query, key and value are not in one tensor"))
    return _rotary(config, "rope_theta", 160_000.0)


def nomic(config: Record) -> JsonObject:
    """Nomic Embed, version 1 and 1.5."""
    expected = {
        "prenorm": False,
        "use_rms_norm": False,
        "parallel_block": False,
        "rotary_emb_fraction": 1.0,
        "rotary_emb_interleaved": False,
        "rotary_emb_scale_base": None,
        "num_experts": 0,
    }
    _require(config, expected, tr("blocks of this kind are not known"))
    _require(config, {"moe_every_n_layers": -1}, tr("blocks with several experts are not known"))
    attention_bias, up_bias, down_bias = (
        _flag(config, key, False) for key in ("qkv_proj_bias", "mlp_fc1_bias", "mlp_fc2_bias")
    )
    biases = {"attention_bias": attention_bias, "up_bias": up_bias, "down_bias": down_bias}
    return {**_rotary(config, "rotary_emb_base", 1_000.0), **biases}


def _rotary(config: Record, key: str, default: float) -> JsonObject:
    """Base and divisor of rotary positions, with the fixed NTK scaling of GTE (kexue.fm/archives/9706)."""
    parameters = config.values.get("rope_parameters")
    record = Record(parameters, config.file, "rope_parameters") if isinstance(parameters, dict) else config
    key = "rope_theta" if record is not config else key
    base = default if record.values.get(key) is None else record.number(key, 1, _LARGEST_BASE)
    scaling = config.values.get("rope_scaling")
    if record is not config:
        _require(record, {"rope_type": "default"}, tr("its rotary positions are scaled in an unknown way"))
    if scaling is None:
        return {"rotary_base": base}
    scaled = config.record("rope_scaling")
    kind = scaled.values.get("type", scaled.values.get("rope_type"))
    if kind == "default":
        return {"rotary_base": base}
    if kind != "ntk" or scaled.values.get("mixed_b") is not None:
        raise scaled.error("type", tr("its rotary positions are scaled in an unknown way; known: ntk"))
    factor = scaled.number("factor", 1, 1e6)
    heads = config.integer("num_attention_heads", 1, _MOST_POSITIONS)
    size = config.integer("hidden_size", 1, _MOST_POSITIONS) // heads
    return {"rotary_base": base * factor, "rotary_divisor": factor ** (2 / max(size, 1))}


def _flag(config: Record, key: str, default: bool) -> bool:
    return default if config.values.get(key) is None else config.boolean(key)


def _require(config: Record, expected: Mapping[str, object], problem: str) -> None:
    """Raise RecordError where config.json has another value than the expected one."""
    for key, value in expected.items():
        actual = config.values.get(key)
        if actual is not None and actual != value:
            raise config.error(key, tr("it is {actual!r:.60}: {problem}", actual=actual, problem=problem))
