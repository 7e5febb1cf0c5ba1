"""Where and with what a run was made."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["Stopwatch", "environment", "versions"]

_LIBRARIES = (
    "hilum",
    "numpy",
    "openvino",
    "pandas",
    "pillow",
    "pydicom",
    "scikit-learn",
    "scipy",
    "timm",
    "torch",
)


@dataclass(frozen=True)
class Stopwatch:
    """Wall-clock seconds of each stage, in order."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time that the block takes to stage `name`."""
        start = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - start, 3)


def versions() -> dict[str, str]:
    """Return the versions of Python, of hilum, and of the libraries that results depend on."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in _LIBRARIES}}


def environment(
    *, data: Path, device: str, precision: str, cached: int, computed: int, watch: Stopwatch
) -> dict[str, Any]:
    """Return the facts that ``environment.json`` holds.

    Parameters
    ----------
    data : Path
        Folder of the images.
    device, precision : str
        What the backbone ran on.
    cached, computed : int
        Images whose features came from the cache, and from a forward pass.
    watch : Stopwatch
    """
    return {
        "versions": versions(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "data": str(data.resolve()),
        "device": device,
        "precision": precision,
        "features": {"from_cache": cached, "computed": computed},
        "seconds": dict(watch.seconds),
    }
