"""Whether there is a CUDA device, asked of NVIDIA's driver itself."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

__all__ = ["has_cuda"]

_DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


@cache
def has_cuda() -> bool:
    """Whether the driver is there and finds a device; takes milliseconds and no torch.

    ``CUDA_VISIBLE_DEVICES`` is heeded, as everywhere in CUDA.
    """
    count = ctypes.c_int(0)
    try:
        driver = ctypes.CDLL(_DRIVER)
        failed = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    except (OSError, AttributeError):  # no driver, or a library of its name that is none
        return False
    return not failed and count.value > 0
