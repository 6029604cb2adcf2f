import platform
import sys
from pathlib import Path

import pytest

from tenor._core import cpu
from tenor.errors import TenorError
from tenor.models.neural import backend

NEHALEM = "processor\t: 0\nflags\t\t: fpu sse sse2 ssse3 sse4_1 sse4_2 popcnt\n\nprocessor\t: 1\n"
HASWELL = "processor\t: 0\nflags\t\t: fpu sse sse2 avx f16c avx2 fma\n"
SAPPHIRE_RAPIDS = "processor\t: 0\nflags\t\t: fpu sse2 avx avx2 avx512f avx512_bf16 amx_bf16\n"


def cpuinfo(folder: Path, text: str) -> Path:
    path = folder / "cpuinfo"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("text", "bfloat16"), [(NEHALEM, False), (HASWELL, False), (SAPPHIRE_RAPIDS, True)])
def test_bfloat16_is_told_from_the_flags(tmp_path: Path, text: str, bfloat16: bool) -> None:
    assert cpu.has_bfloat16(cpuinfo(tmp_path, text)) is bfloat16


def test_a_system_that_names_no_flags_has_none(tmp_path: Path) -> None:
    assert cpu.instruction_sets(tmp_path / "missing") == frozenset()
    assert not cpu.lacks_avx(tmp_path / "missing")
    assert cpu.instruction_sets(cpuinfo(tmp_path, "Features : asimd\n")) == frozenset()


def test_a_processor_without_avx_is_refused_before_tensorflow_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    (tmp_path / "older").mkdir()
    assert cpu.lacks_avx(cpuinfo(tmp_path / "older", NEHALEM))
    assert not cpu.lacks_avx(cpuinfo(tmp_path, HASWELL))
    monkeypatch.setattr(cpu, "lacks_avx", lambda: True)
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    with pytest.raises(TenorError, match="this processor has no AVX instructions"):
        backend.load("the family 'lstm'")
