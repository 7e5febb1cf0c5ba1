"""What runs a network over images, and which of the two does."""

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


class OpenVinoEngine:
    """Runs a network's graph with OpenVINO, on the CPU.

    Parameters
    ----------
    backbone : Backbone
    precision : Precision
        One that the processor has.
    """

    device = "cpu, OpenVINO"

    def __init__(self, backbone: Backbone, precision: Precision = Precision.FLOAT32) -> None:
        self.precision = precision
        self._backbone = backbone

    @property
    def key(self) -> str:
        """Equal keys mean equal features of one network on one machine."""
        return f"{self.device} {version('openvino')}, {self.precision}"

    def run(self, squares: Iterable[NDArray[np.float32]]) -> Generator[NDArray[np.float32], None, None]:
        """Compute the features of prepared images; see `hilum.backbone.Engine`."""
        rest = iter(squares)
        for first in rest:  # where all images are known, the network is not needed
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
    """Runs a network; the network is only loaded when there is something to run.

    The features of an image are the same to the last bit whatever images stand beside it, so that work
    that was interrupted and taken up again gives what unbroken work gives.
    """

    @property
    def device(self) -> str:
        """What it runs on, for people."""
        ...

    @property
    def precision(self) -> Precision:
        """In which numbers."""
        ...

    @property
    def key(self) -> str:
        """Equal keys mean equal features of one network on one machine."""
        ...

    def run(self, squares: Iterable[NDArray[np.float32]]) -> Generator[NDArray[np.float32], None, None]:
        """Compute the features of prepared images, in their order.

        Parameters
        ----------
        squares : iterable of ndarray of float32, shape (size, size), range [0, 1]
            Taken a bounded number ahead, so that reading them and computing overlap.

        Yields
        ------
        ndarray of float32, shape (features,)
        """
        ...


def choose_engine(backbone: Backbone, settings: EngineSettings | None = None) -> Engine:
    """Start the engine that a recipe states.

    ``auto`` takes PyTorch where there is an accelerator, else OpenVINO, which is faster on a CPU. The
    precision ``auto`` is the fastest that the device computes natively.

    Parameters
    ----------
    backbone : Backbone
    settings : EngineSettings, optional
        Without them, the engine is chosen and the precision is float32.

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
    from hilum.backbone.torch_engine import TorchEngine  # noqa: PLC0415  loads torch

    return TorchEngine(backbone, where or "cpu", precision)


def _precision(settings: EngineSettings, where: str | None) -> Precision:
    if settings.precision is Precision.FLOAT32:
        return Precision.FLOAT32  # no library need be loaded to know
    known = _precisions(where)
    if settings.precision == "auto":
        return known[min(1, len(known) - 1)]
    if settings.precision not in known:
        raise BackboneError(
            f"this {'processor' if where is None else 'GPU'} does not compute in {settings.precision}",
            expected=" or ".join(known),
            remedy="Set engine.precision to auto, which takes what there is.",
        )
    return settings.precision


def _precisions(where: str | None) -> tuple[Precision, ...]:
    """Return what a device computes natively: float32, and behind it what is faster."""
    if where is None:
        from hilum.backbone import openvino_runtime  # noqa: PLC0415  see above

        return openvino_runtime.precisions()
    from hilum.backbone.torch_engine import accelerated  # noqa: PLC0415  see above

    return accelerated(where)
