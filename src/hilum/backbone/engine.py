"""Engines: what computes a network on images, and choosing one."""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Generator, Iterable
from functools import cache, cached_property
from importlib.metadata import version
from itertools import chain
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from hilum.errors import BackboneError
from hilum.recipe.settings import EngineKind, EngineSettings, Precision

if TYPE_CHECKING:
    from hilum.backbone.backbone import Backbone
    from hilum.backbone.openvino_runtime import Stream

__all__ = ["Engine", "OpenVinoEngine", "accelerator", "choose_engine"]


_DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


@cache
def accelerator() -> str | None:
    """Return PyTorch's name of the accelerator, ``"cuda"`` or ``"mps"``, or None, within milliseconds.

    Torch, which takes seconds to load, is asked only where there is a device: it may lack support for it.
    """
    found = "cuda" if _has_cuda() else "mps" if _has_metal() else None
    if found is None:
        return None
    import torch  # noqa: PLC0415  see above

    usable = torch.cuda.is_available() if found == "cuda" else torch.backends.mps.is_available()
    return found if usable else None


def _has_cuda() -> bool:
    """Ask NVIDIA's driver for devices; it respects ``CUDA_VISIBLE_DEVICES``."""
    count = ctypes.c_int(0)
    try:
        driver = ctypes.CDLL(_DRIVER)
        failed = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    except (OSError, AttributeError):  # no driver, or another library of its name
        return False
    return not failed and count.value > 0


def _has_metal() -> bool:
    return sys.platform == "darwin" and platform.machine() == "arm64"


class OpenVinoEngine:
    """Runs a network's graph with OpenVINO on the CPU, in a precision that the processor has."""

    device = "cpu, OpenVINO"

    def __init__(self, backbone: Backbone, precision: Precision = Precision.FLOAT32) -> None:
        self.precision = precision
        self._backbone = backbone

    @property
    def key(self) -> str:
        """Equal keys mean equal features of one network on one machine."""
        return f"{self.device} {version('openvino')}, {self.precision}"

    def run(self, images: Iterable[NDArray[np.float32]]) -> Generator[NDArray[np.float32], None, None]:
        """Compute the features of prepared images; see `hilum.backbone.Engine`."""
        rest = iter(images)
        for first in rest:  # without images, the network is not loaded
            yield from self._stream.run(chain([first], rest))

    @cached_property
    def _stream(self) -> Stream:
        from hilum.backbone.openvino_runtime import (  # noqa: PLC0415  see `run`
            Stream,
            compile_graph,
            read_graph,
        )

        model = read_graph(self._backbone.graph)
        model.reshape([1, 1, self._backbone.size, self._backbone.size])
        return Stream(compile_graph(model, self.precision))


class Engine(Protocol):
    """Computes a network on images; the network is loaded with the first of them.

    The features of an image do not depend on other images, to the last bit. So interrupted work that is
    resumed gives the same as uninterrupted work.
    """

    @property
    def device(self) -> str:
        """Hardware and library, for people."""
        ...

    @property
    def precision(self) -> Precision:
        """Of the arithmetic."""
        ...

    @property
    def key(self) -> str:
        """Equal keys mean equal features of one network on one machine."""
        ...

    def run(self, images: Iterable[NDArray[np.float32]]) -> Generator[NDArray[np.float32], None, None]:
        """Compute the features of prepared images, in their order.

        Parameters
        ----------
        images : iterable of ndarray of float32, shape (size, size), range [0, 1]
            Taken a bounded number ahead, so that preparing them and computing overlap.

        Yields
        ------
        ndarray of float32, shape (features,)
        """
        ...


def choose_engine(backbone: Backbone, settings: EngineSettings | None = None) -> Engine:
    """Choose the engine that a recipe states; without settings, the fastest one in float32.

    The kind ``auto`` is PyTorch where there is an accelerator, and otherwise OpenVINO, which is faster on a
    CPU. The precision ``auto`` is the fastest that the device computes natively.

    Raises
    ------
    BackboneError
        If the device does not have the precision.
    """
    settings = settings or EngineSettings(precision=Precision.FLOAT32)
    where = None if settings.kind is EngineKind.OPENVINO else accelerator()
    precision = _precision(settings, where)
    if where is None and settings.kind is not EngineKind.TORCH:
        return OpenVinoEngine(backbone, precision)
    from hilum.backbone.network import TorchEngine  # noqa: PLC0415  loads torch

    return TorchEngine(backbone, where or "cpu", precision)


def _precision(settings: EngineSettings, where: str | None) -> Precision:
    if settings.precision is Precision.FLOAT32:
        return Precision.FLOAT32  # without loading a library
    known = _precisions(where)
    if settings.precision == "auto":
        return known[min(1, len(known) - 1)]
    if settings.precision not in known:
        raise BackboneError(
            f"this {'processor' if where is None else 'GPU'} does not compute in {settings.precision}",
            expected=" or ".join(known),
            remedy="Set engine.precision to auto, which uses what the device has.",
        )
    return settings.precision


def _precisions(where: str | None) -> tuple[Precision, ...]:
    """Return what a device computes natively: float32, then the faster ones."""
    if where is None:
        from hilum.backbone import openvino_runtime  # noqa: PLC0415  see above

        return openvino_runtime.precisions()
    from hilum.backbone.network import accelerated  # noqa: PLC0415  see above

    return accelerated(where)
