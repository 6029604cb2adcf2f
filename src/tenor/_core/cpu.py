"""Instruction sets of this processor, as Linux lists them."""

import functools
import os
import platform
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
ONEDNN_LIMIT = "ONEDNN_MAX_CPU_ISA"
"""Environment variable that limits oneDNN, and so TensorFlow, OpenVINO and PyTorch, to older instruction sets."""
_LIMITS_WITH_BFLOAT16 = ("DEFAULT", "ALL", "AVX10", "AVX512_CORE_BF16", "AVX512_CORE_FP16", "AVX512_CORE_AMX")
BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16")


@functools.cache
def instruction_sets(cpuinfo: Path = CPUINFO) -> frozenset[str]:
    """Instruction sets of the first core, such as `avx2` and `avx512_bf16`; empty if the system lists none."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return frozenset()
    return frozenset(next((line for line in text.splitlines() if line.startswith("flags")), "").split()[2:])


def has_bfloat16(cpuinfo: Path = CPUINFO) -> bool:
    """Whether the processor has instructions for bfloat16 products."""
    return any(flag in instruction_sets(cpuinfo) for flag in BFLOAT16_FLAGS)


def is_limited_below_bfloat16() -> bool:
    """Whether oneDNN is limited to less than bfloat16: a product of bfloat16 would then end the process."""
    limit = os.environ.get(ONEDNN_LIMIT, "")
    return bool(limit) and not limit.upper().startswith(_LIMITS_WITH_BFLOAT16)


def lacks_avx(cpuinfo: Path = CPUINFO) -> bool:
    """Whether this is an x86 processor without AVX; False if the system lists no instruction sets."""
    known = instruction_sets(cpuinfo)
    return platform.machine() in ("x86_64", "AMD64") and bool(known) and "avx" not in known
