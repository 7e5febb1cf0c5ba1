"""Whether there is an accelerator that PyTorch can use, found out without loading PyTorch."""

from __future__ import annotations

import ctypes
import platform
import sys
from functools import cache

__all__ = ["accelerator"]

_DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


@cache
def accelerator() -> str | None:
    """Return PyTorch's name of the accelerator, ``"cuda"`` or ``"mps"``, or None; takes milliseconds.

    Torch takes seconds to load, and is only asked where there is a device: it may have been built without it.
    """
    found = "cuda" if _has_cuda() else "mps" if _has_metal() else None
    if found is None:
        return None
    import torch  # noqa: PLC0415  see above

    usable = torch.cuda.is_available() if found == "cuda" else torch.backends.mps.is_available()
    return found if usable else None


def _has_cuda() -> bool:
    """Ask NVIDIA's driver for devices; ``CUDA_VISIBLE_DEVICES`` is heeded, as everywhere in CUDA."""
    count = ctypes.c_int(0)
    try:
        driver = ctypes.CDLL(_DRIVER)
        failed = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    except (OSError, AttributeError):  # no driver, or a library of its name that is none
        return False
    return not failed and count.value > 0


def _has_metal() -> bool:
    return sys.platform == "darwin" and platform.machine() == "arm64"
