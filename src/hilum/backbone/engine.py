"""What runs a network over images, and which of the two does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from hilum.backbone.cuda import has_cuda
from hilum.backbone.openvino_engine import OpenVinoEngine

if TYPE_CHECKING:
    from hilum.backbone.backbone import Backbone

__all__ = ["Engine", "choose_engine"]


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
    def precision(self) -> str:
        """In which numbers."""
        ...

    @property
    def key(self) -> str:
        """Equal keys mean equal features of one network on one machine."""
        ...

    def run(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute features.

        Parameters
        ----------
        pixels : ndarray of float32, shape (n, 1, size, size), range [0, 1]

        Returns
        -------
        ndarray of float32, shape (n, features)
        """
        ...


def choose_engine(backbone: Backbone) -> Engine:
    """Take PyTorch on a CUDA device where there is one, else OpenVINO, which is faster on a CPU.

    Torch takes seconds to load, and is only asked where the driver knows of a device.
    """
    if has_cuda():
        import torch  # noqa: PLC0415  see above

        if torch.cuda.is_available():  # not so where torch was built without CUDA
            from hilum.backbone.torch_engine import TorchEngine  # noqa: PLC0415  loads torch

            return TorchEngine(backbone, "cuda")
    return OpenVinoEngine(backbone)
