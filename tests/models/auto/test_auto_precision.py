"""Which numbers `auto` computes with."""

from collections.abc import Iterator

import pytest

from tenor._core import cpu
from tenor.models.neural import precision


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(precision, "has_accelerator", lambda: False)
    precision._has_bfloat16.cache_clear()
    yield
    precision._has_bfloat16.cache_clear()


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("", "bfloat16"), ("AVX512_CORE_AMX", "bfloat16"), ("avx2", "float32"), ("AVX512_CORE_VNNI", "float32")],
)
def test_auto_is_float32_where_onednn_is_held_below_bfloat16(
    limit: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu, "instruction_sets", lambda *_: frozenset(("avx2", "avx512_bf16")))
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    assert precision.resolve("auto") == expected
    assert precision.resolve("bfloat16") == "bfloat16"  # what is asked for stays


def test_auto_is_float32_on_a_processor_without_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "instruction_sets", lambda *_: frozenset(("avx2", "fma")))
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    assert precision.resolve("auto") == "float32"
