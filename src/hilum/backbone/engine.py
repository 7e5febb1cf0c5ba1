"""What runs a network over images."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

__all__ = ["Engine", "TorchEngine"]


class Engine(Protocol):
    """Runs a network.

    The features of an image are the same to the last bit whatever images stand beside it, so that work
    that was interrupted and taken up again gives what unbroken work gives.
    """

    @property
    def device(self) -> str:
        """What it runs on."""
        ...

    @property
    def precision(self) -> str:
        """In which numbers."""
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


class TorchEngine:
    """Runs a network with PyTorch in float32, on a CUDA device where there is one, else on the CPU.

    Kernels may sum in another order for another batch size; so every pass has the same number of images, and
    the last is filled up with empty ones. On the CPU that number is one, and each core makes passes of its
    own: threads that share a pass wait for each other, and stand still when anything else runs.

    Parameters
    ----------
    module : torch.nn.Module
        From (n, 1, size, size) to (n, features). It is moved to the device and into channels-last order.
    device : str, optional
        PyTorch's name of a device.
    batch : int, optional
        Images a pass.
    """

    precision = "float32"

    def __init__(self, module: nn.Module, device: str | None = None, batch: int | None = None) -> None:
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.batch = batch or (1 if self.device == "cpu" else 32)
        self._cores = (os.cpu_count() or 1) if self.device == "cpu" else 1
        self._module = module.eval().to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def run(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute features, float32 (n, features), of pixels, float32 (n, 1, size, size) in [0, 1]."""
        parts = [pixels[start : start + self.batch] for start in range(0, len(pixels), self.batch)]
        # cuDNN would take TF32 for float32 unasked, and choose its kernels by a race.
        exact = torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False)
        alone = ThreadPoolExecutor(self._cores, initializer=torch.set_num_threads, initargs=(1,))
        with exact, alone as pool:
            return np.concatenate(list(pool.map(self._pass, parts)))

    def _pass(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        full = np.zeros((self.batch, *pixels.shape[1:]), np.float32)
        full[: len(pixels)] = pixels
        with torch.inference_mode():
            values = self._module(torch.from_numpy(full).to(self.device))
        found: NDArray[np.float32] = values[: len(pixels)].cpu().numpy()
        return found
