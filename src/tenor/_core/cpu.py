"""What this processor can do, as Linux says it."""

import functools
import os
import platform
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
ONEDNN_LIMIT = "ONEDNN_MAX_CPU_ISA"
"""The environment variable that holds oneDNN, and so TensorFlow, OpenVINO and PyTorch, to older instructions."""
_LIMITS_WITH_BFLOAT16 = ("DEFAULT", "ALL", "AVX10", "AVX512_CORE_BF16", "AVX512_CORE_FP16", "AVX512_CORE_AMX")
BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16")


@functools.cache
def flags(cpuinfo: Path = CPUINFO) -> frozenset[str]:
    """The instruction sets of the first core, such as `avx2` and `avx512_bf16`; empty where the system names none."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return frozenset()
    return frozenset(next((line for line in text.splitlines() if line.startswith("flags")), "").split()[2:])


def has_bfloat16(cpuinfo: Path = CPUINFO) -> bool:
    """Whether the processor multiplies bfloat16 in instructions of its own."""
    return any(flag in flags(cpuinfo) for flag in BFLOAT16_FLAGS)


def held_below_bfloat16() -> bool:
    """Whether oneDNN is held to less than bfloat16: a product of bfloat16 would end the process then."""
    limit = os.environ.get(ONEDNN_LIMIT, "")
    return bool(limit) and not limit.upper().startswith(_LIMITS_WITH_BFLOAT16)


def lacks_avx(cpuinfo: Path = CPUINFO) -> bool:
    """Whether this is an x86 processor without AVX; False where the system does not say."""
    return platform.machine() in ("x86_64", "AMD64") and bool(flags(cpuinfo)) and "avx" not in flags(cpuinfo)
