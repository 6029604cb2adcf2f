"""The machine and the library versions that measurements were measured with."""

import os
import platform
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

from processes import measurements

LIMIT = "ONEDNN_MAX_CPU_ISA"
LIMITS = (LIMIT, "ATEN_CPU_CAPABILITY", "XLA_FLAGS")  # of oneDNN, PyTorch's own kernels and XLA
LIBRARIES = (
    "tenor",
    "numpy",
    "scipy",
    "scikit-learn",
    "pyarrow",
    "fasttext",
    "tensorflow",
    "keras",
    "jax",
    "torch",
    "transformers",
    "sentence-transformers",
    "setfit",
    "onnxruntime",
    "openvino",
    "lime",
    "autogluon.tabular",
    "flaml",
)


def describe(tenor_python: Path, peers_python: Path, automl_python: Path) -> dict[str, Any]:
    """Today's date, the machine, and the versions in each environment; an absent environment has none."""
    return {
        "date": date.today().isoformat(),
        "machine": {
            "cpu": cpu_model(),
            "cores": os.cpu_count() or 0,
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "kind": kind(),
            "system": f"{platform.system()} {platform.machine()}",
            **device(),
        },
        "tenor_environment": versions(tenor_python),
        "peer_environment": versions(peers_python),
        "automl_environment": versions(automl_python),
    }


def device() -> dict[str, str]:
    """The graphics processor, where there is one and its driver's program that tells its name."""
    try:
        command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"device": names[0].strip()}


def kind() -> str:
    """The kind of processor under which measurements are stored, side by side with those of other kinds.

    `avx512-bf16`, `avx512` or `avx2`, or the machine's name where it is none of them; with `-limited` where
    ONEDNN_MAX_CPU_ISA limits the libraries: such measurements belong to no other processor.
    """
    flags = set(_information("flags").split())
    kinds = {"avx512-bf16": {"avx512_bf16", "amx_bf16"}, "avx512": {"avx512f"}, "avx2": {"avx2"}}
    result = next((name for name, any_of in kinds.items() if flags & any_of), platform.machine())
    limit = os.environ.get(LIMIT, "").lower()
    return f"{limit}-limited" if limit else result


def has_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16; without them it is emulated, many times slower."""
    return kind() == "avx512-bf16"


def cpu_model() -> str:
    """The processor's name: from /proc/cpuinfo on Linux, else as Python knows it."""
    return _information("model name") or platform.processor() or platform.machine()


def _information(name: str) -> str:
    """A field of the first core in /proc/cpuinfo; empty without that file."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    return ""


def versions(python: Path) -> dict[str, str]:
    """Versions of Python and of the LIBRARIES installed beside the interpreter `python`."""
    if not python.is_file():
        return {}
    return dict(measurements([str(python), str(Path(__file__).with_name("versions.py")), *LIBRARIES])["versions"])
