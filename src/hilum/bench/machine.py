"""The machine that figures were measured on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

__all__ = ["Machine", "cores", "this_machine"]


_LIBRARIES = ("hilum", "numpy", "openvino", "pillow", "scikit-learn", "timm", "torch")
_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Machine:
    """What figures depend on.

    Parameters
    ----------
    processor : str
    cores : int
        That this process may use.
    memory_bytes : int
        0 where the system does not tell.
    gpu : str
        Empty where there is none.
    system : str
    precisions : tuple of str
        That the processor computes in natively.
    versions : dict of str to str
        Of Python and of the libraries that take the time.
    """

    processor: str
    cores: int
    memory_bytes: int
    gpu: str
    system: str
    precisions: tuple[str, ...]
    versions: dict[str, str]


def this_machine() -> Machine:
    """Look at this machine."""
    from hilum.backbone.openvino_runtime import precisions  # noqa: PLC0415  takes a moment to load

    return Machine(
        processor=_processor(),
        cores=cores(),
        memory_bytes=_memory(),
        gpu=_gpu(),
        system=platform.platform(terse=True),
        precisions=tuple(map(str, precisions())),
        versions={"python": platform.python_version(), **_versions()},
    )


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # an environment for prediction alone has no torch
            continue
    return found


def _processor() -> str:
    if _CPUINFO.is_file():
        for line in _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    if platform.system() == "Darwin":
        return _asked("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    return platform.processor() or platform.machine()


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


def _gpu() -> str:
    return _asked("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")


def _asked(*command: str) -> str:
    """Return the first line that a command prints; nothing where it is not there or fails."""
    program = shutil.which(command[0])
    if program is None:
        return ""
    try:
        done = subprocess.run([program, *command[1:]], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip().partition("\n")[0]
