"""Changes to the files of a folder that somebody might make who means harm: to values, not only to bytes.

Each takes a random generator, so that a number reproduces it.
"""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

Draw = random.Random
Files = dict[str, bytes]


class Raw(NamedTuple):
    """Characters that stand in JSON as they are, whether they are JSON or not."""

    text: str


def deep(levels: int, opening: str = "[", closing: str = "]") -> Raw:
    """A value with so many levels."""
    return Raw(opening * levels + closing * levels)


VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 7, 255, 1 << 15, 1 << 31, 1 << 32, 1 << 53, 10**9, 10**18, -(1 << 63)),
    *(0.5, -0.0, 1e-300, 1e38, 1e300, 0.99999, "", "a", "none", "NaN", "\u202e", "\x00", "\n", "../../etc/passwd"),
    *(Raw("NaN"), Raw("Infinity"), Raw("-Infinity"), Raw("1e400"), Raw("1" + "0" * 400), Raw("1" + "0" * 5_000)),
    *(Raw('"\\ud800"'), Raw('"\\udc00a"'), Raw("'a'"), Raw('{"a":1,"a":2}'), deep(150), deep(990), deep(100_000)),
    *([], {}, [[]], [None], {"": None}, {"type": "Sequence"}, "x" * 100_000, ["x"] * 2_000, list(range(3_000))),
    *("<script>alert(1)</script>", "=1+1", "\x1b[2J", [1e308, 1e308], {"kind": "blend", "members": []}),
)

NAUGHTY_TOKENIZERS: tuple[tuple[str, Any], ...] = (
    ("normalizer", {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 1_000}),
    ("normalizer", {"type": "Replace", "pattern": {"String": ""}, "content": "b"}),
    ("normalizer", {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": "b"}),
    (
        "normalizer",
        {
            "type": "Sequence",
            "normalizers": [{"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 10}] * 12,
        },
    ),
    ("normalizer", {"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
    ("normalizer", {"type": "Precompiled", "precompiled_charsmap": "/////wAAAAAAAAAA"}),
    ("normalizer", {"type": "Precompiled", "precompiled_charsmap": "A" * 4_000_000}),
    ("normalizer", {"type": "Prepend", "prepend": "x" * 1_000_000}),
    ("normalizer", {"type": "Sequence", "normalizers": [{"type": "NFKD"}] * 5_000}),
    ("pre_tokenizer", {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}),
    ("pre_tokenizer", {"type": "Split", "pattern": {"Regex": "(?<=(a))*("}, "behavior": "Removed", "invert": True}),
    ("pre_tokenizer", {"type": "Split", "pattern": {"Regex": "(?:(?:a{0,999}){0,999}){0,999}"}, "behavior": "Removed"}),
    ("pre_tokenizer", {"type": "Split", "pattern": {"String": ""}, "behavior": "Removed", "invert": False}),
    ("pre_tokenizer", {"type": "Metaspace", "replacement": "ab", "prepend_scheme": "always", "split": True}),
    ("pre_tokenizer", {"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}] * 40}),
    ("pre_tokenizer", {"type": "CharDelimiterSplit", "delimiter": "ab"}),
    ("post_processor", {"type": "BertProcessing", "sep": ["[SEP]", 1 << 31], "cls": ["[CLS]", 4_000_000_000]}),
    ("post_processor", {"type": "ByteLevel", "trim_offsets": True}),
    (
        "post_processor",
        {
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}] * 100_000,
            "pair": [],
            "special_tokens": {},
        },
    ),
    ("decoder", {"type": "Replace", "pattern": {"Regex": "((((("}, "content": ""}),
    ("truncation", {"max_length": 0, "strategy": "LongestFirst", "stride": 9, "direction": "Right"}),
    ("padding", {"strategy": {"Fixed": 1 << 40}, "direction": "Right", "pad_id": 0, "pad_type_id": 0, "pad_token": ""}),
    ("added_tokens", [{"id": 5, "content": "", "special": True}]),
    (
        "added_tokens",
        [
            {
                "id": 4_000_000_000,
                "content": "film",
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": True,
                "special": False,
            }
        ],
    ),
    ("model", {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "b"}),
    ("model", {"type": "Unigram", "vocab": [["a", -1.0], ["", -2.0]], "unk_id": 7, "byte_fallback": False}),
    ("model", {"type": "Unigram", "vocab": [["a", 1e300], ["b", -1e300]], "unk_id": 0, "byte_fallback": True}),
    ("model", {"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": [["a", "b"]]}),
    ("model", {"type": "BPE", "vocab": {"a": 0, "b": 1 << 31, "ab": 2}, "merges": ["a b"], "dropout": 1.5}),
    (
        "model",
        {
            "type": "WordPiece",
            "vocab": {"a": 0, "[UNK]": 1},
            "unk_token": "[UNK]",
            "max_input_chars_per_word": 1 << 40,
            "continuing_subword_prefix": "",
        },
    ),
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a value of JSON can be replaced: the path of each, the whole first. Of long lists only some."""
    yield at
    items: Any = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, inner in items if len(items) <= 40 else [*items[:15], *items[-5:]]:
        yield from paths(inner, (*at, key))


def changed_json(draw: Draw, data: bytes) -> tuple[bytes, str]:
    """JSON with one value changed."""
    value = json.loads(data)
    path = draw.choice(list(paths(value)))
    kind = draw.choice(("replace", "replace", "replace", "delete", "twice", "rename", "swap", "text"))
    hostile = draw.choice(VALUES)
    where = "/".join(map(str, path))
    if kind == "text" or not path:
        return changed_text(draw, data)
    parent = value
    for key in path[:-1]:
        parent = parent[key]
    last = path[-1]
    if kind == "replace":
        parent[last] = hostile
        return dump(value), f"{where} = {str(hostile)[:60]!r}"
    if kind == "delete":
        del parent[last]
    elif kind == "twice" and isinstance(parent, list):
        parent.insert(last, parent[last])
    elif kind == "twice":
        return dump(value, twice=parent), f"{where} twice"
    elif kind == "rename" and isinstance(parent, dict):
        parent[draw.choice(("", "a", str(last).upper(), str(last) + " ", "__class__"))] = parent.pop(last)
    else:
        other = draw.choice(list(paths(value)))
        result = value
        for key in other:
            result = result[key]
        parent[last] = json.loads(json.dumps(result))
    return dump(value), f"{where} {kind}"


def dump(value: Any, twice: Any = None) -> bytes:
    """JSON, with `Raw` as it is; the last key of the object `twice` stands there twice."""
    raws: list[Raw] = []

    def plain(part: Any) -> Any:
        if isinstance(part, Raw):
            raws.append(part)
            return f"@raw{len(raws) - 1}@"
        if isinstance(part, dict):
            copied = {key: plain(inner) for key, inner in part.items()}
            return {**copied, "@twice@": copied[next(reversed(copied))]} if part is twice and copied else copied
        return [plain(inner) for inner in part] if isinstance(part, list) else part

    text = json.dumps(plain(value), ensure_ascii=False)
    for number, raw in enumerate(raws):
        text = text.replace(f'"@raw{number}@"', raw.text)
    if twice:
        text = text.replace('"@twice@"', json.dumps(next(reversed(twice))))
    return text.encode("utf-8", "surrogatepass")


def changed_text(draw: Draw, data: bytes) -> tuple[bytes, str]:
    """Bytes with a part lost, doubled, or replaced by what breaks readers."""
    at, length = draw.randrange(len(data) + 1), draw.choice((1, 1, 2, 8, 100))
    piece = draw.choice((b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"}", b",", b"\r", b"\n\n", b"x" * 300_000))
    kind = draw.choice(("cut", "insert", "replace", "end", "flip", "empty", "double"))
    if kind == "cut":
        return data[:at], f"cut at {at}"
    if kind == "insert":
        return data[:at] + piece + data[at:], f"{piece[:8]!r} at {at}"
    if kind == "replace":
        return data[:at] + piece + data[at + length :], f"{piece[:8]!r} in place of {length} at {at}"
    if kind == "end":
        return data + piece, f"{piece[:8]!r} at the end"
    if kind == "empty":
        return b"", "empty"
    if kind == "double":
        return data + data, "twice"
    flipped = bytearray(data)
    for _ in range(length if data else 0):
        flipped[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(flipped), f"{length} bits"


def changed_tokenizer(draw: Draw, data: bytes) -> tuple[bytes, str]:
    """A tokenizer.json, or the encoder.json around one, with a part that costs time or memory."""
    value = json.loads(data)
    specification = value.get("tokenizer", value)
    part, hostile = draw.choice(NAUGHTY_TOKENIZERS)
    if part == "model" and draw.random() < 0.5:
        specification["model"].update(hostile)
    elif part == "normalizer" and draw.random() < 0.3:
        specification[part] = {"type": "Sequence", "normalizers": [hostile] * draw.choice((1, 2, 30))}
    else:
        specification[part] = hostile
    return dump(value), f"{part} = {str(hostile)[:80]}"


def changed_weights(draw: Draw, data: bytes) -> tuple[bytes, str]:
    """Arrays with other values, shapes, types or names; or another header."""
    arrays = {name: array.copy() for name, array in safetensors.load(data).items()}
    name = draw.choice(sorted(arrays))
    array = arrays[name]
    kind = draw.choice(("value", "value", "value", "type", "shape", "name", "extra", "delete", "header", "bytes"))
    if kind == "value" and array.size:
        special = draw.choice((np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, 0, -1, 1 << 30, 0.5))
        with np.errstate(all="ignore"):
            if draw.random() < 0.2:
                array[...] = np.float64(special).astype(array.dtype)
            else:
                array.reshape(-1)[draw.randrange(array.size)] = np.float64(special).astype(array.dtype)
        return safetensors.save(arrays), f"{name} has {special}"
    if kind == "type":
        types = (np.float64, np.float16, np.int8, np.int64, np.uint8, np.bool_)
        with np.errstate(all="ignore"):
            arrays[name] = array.astype(draw.choice(types))
        return safetensors.save(arrays), f"{name} as {arrays[name].dtype}"
    if kind == "shape":
        shapes = (array.reshape(-1), array[:-1] if array.ndim and len(array) else array, array[None], array[..., :0])
        arrays[name] = np.ascontiguousarray(draw.choice(shapes))
        return safetensors.save(arrays), f"{name} of {arrays[name].shape}"
    if kind in ("name", "delete"):
        result = arrays.pop(name)
        if kind == "name":
            arrays[draw.choice(("", "a", name.upper(), "conformal/" + name, "0/" + name))] = result
        return safetensors.save(arrays), f"{name} {kind}"
    if kind == "extra":
        arrays[draw.choice(("extra", "conformal/extra", "7/weights"))] = array
        return safetensors.save(arrays), "one more"
    if kind == "header":
        length = int.from_bytes(data[:8], "little")
        header, told = changed_json(draw, data[8 : 8 + length].rstrip())
        size = draw.choice((len(header), len(header), 0, 1 << 62, max(0, len(header) - 1)))
        return size.to_bytes(8, "little", signed=False) + header + data[8 + length :], f"header: {told}"
    return changed_text(draw, data)


def changed_graph(draw: Draw, data: bytes) -> tuple[bytes, str]:
    """A graph of ONNX with one field of its protocol buffers changed, at any depth."""
    if draw.random() < 0.3:
        return changed_text(draw, data)
    return changed_message(draw, data)


def fields(data: bytes) -> list[tuple[int, int, bytes]]:
    """(number, wire type, payload) of the fields of a message. Raises ValueError where it is none."""
    result, at = [], 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if key >> 3 == 0 or kind not in (0, 1, 2, 5):
            raise ValueError
        begin = at
        if kind == 0:
            _, at = varint(data, at)
        elif kind == 2:
            length, begin = varint(data, at)
            at = begin + length
        else:
            at += 8 if kind == 1 else 4
        if at > len(data):
            raise ValueError
        result.append((key >> 3, kind, data[begin:at]))
    return result


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number there, and where it ends."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def number(value: int) -> bytes:
    """The number as a varint."""
    result = bytearray()
    while value > 127:
        result.append(value & 127 | 128)
        value >>= 7
    return bytes([*result, value])


def changed_message(draw: Draw, data: bytes, depth: int = 0) -> tuple[bytes, str]:
    """A message with one field changed."""
    try:
        parts = fields(data)
    except ValueError:
        parts = []
    if not parts:
        return changed_text(draw, data)
    index = draw.randrange(len(parts))
    which, kind, payload = parts[index]
    told = f"{which}: "
    if kind == 2 and payload and draw.random() < 0.8 and depth < 8:
        payload, inner = changed_message(draw, payload, depth + 1)
        parts[index], told = (which, kind, payload), told + inner
    elif kind == 0:
        value = draw.choice((0, 1, 2, 3, 7, 16, 255, 1 << 20, 1 << 31, 1 << 40, (1 << 63) - 1, (1 << 64) - 1))
        parts[index], told = (which, kind, number(value)), f"{told}{value}"
    else:
        action = draw.choice(("delete", "twice", "swap", "number"))
        told += action
        if action == "delete":
            del parts[index]
        elif action == "twice":
            parts.insert(index, parts[index])
        elif action == "swap":
            other = draw.randrange(len(parts))
            parts[index], parts[other] = parts[other], parts[index]
        else:
            parts[index] = (draw.randrange(1, 30), kind, payload)
    written = bytearray()
    for which, kind, payload in parts:
        written += number(which << 3 | kind)
        written += number(len(payload)) + payload if kind == 2 else payload
    return bytes(written), told


def changed_file(draw: Draw, name: str, data: bytes) -> tuple[bytes, str]:
    """A file with a change that fits its kind."""
    change: Callable[[Draw, bytes], tuple[bytes, str]] = changed_text
    if name.endswith(".json"):
        change = changed_json
        if b'"normalizer"' in data and draw.random() < 0.4:
            change = changed_tokenizer
    elif name.endswith(".safetensors"):
        change = changed_weights
    elif name.endswith(".onnx"):
        change = changed_graph
    for _ in range(20):  # some changes change nothing
        try:
            changed, told = change(draw, data)
        except (ValueError, LookupError, SafetensorError, RecursionError):  # it was changed before
            changed, told = changed_text(draw, data)
        if changed != data:
            break
    return changed, f"{name}: {told}"


def changed_files(draw: Draw, files: Files, others: Files) -> tuple[Files, str]:
    """The files of a folder with one or two changes.

    Args:
        draw: Draws what is changed.
        files: The contents by name.
        others: Those of another folder.
    """
    files, told = dict(files), []
    for _ in range(draw.choice((1, 1, 1, 2))):
        name = draw.choice(sorted(files))
        kind = draw.random()
        if kind < 0.02:
            del files[name]
            told.append(f"{name} deleted")
        elif kind < 0.05 and others:
            name = draw.choice(sorted(others))
            files[name] = others[name]
            told.append(f"{name} of another")
        else:
            files[name], one = changed_file(draw, name, files[name])
            told.append(one)
        if not files:
            break
    return files, "; ".join(told)
