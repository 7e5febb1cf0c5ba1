"""Networks on a CUDA device, with PyTorch."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

if TYPE_CHECKING:
    from hilum.backbone.backbone import Backbone

__all__ = ["TorchEngine"]


class TorchEngine:
    """Runs a network with PyTorch in float32.

    Kernels may sum in another order for another batch size; so every pass has the same number of images, and
    the last is filled up with empty ones. On the CPU that number is one, and each core makes passes of its
    own: threads that share a pass wait for each other, and stand still when anything else runs.

    Parameters
    ----------
    backbone : Backbone
    where : str
        PyTorch's name of a device.
    batch : int, optional
        Images a pass.
    """

    precision = "float32"

    def __init__(self, backbone: Backbone, where: str, batch: int | None = None) -> None:
        self.device = f"{where}, PyTorch"
        self.batch = batch or (1 if where == "cpu" else 32)
        self._backbone = backbone
        self._where = where
        self._cores = (os.cpu_count() or 1) if where == "cpu" else 1

    @property
    def key(self) -> str:
        """Equal keys mean equal features of one network on one machine."""
        return f"{self.device} {torch.__version__}, {self.precision}, {self.batch} a pass"

    def run(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute features, float32 (n, features), of pixels, float32 (n, 1, size, size) in [0, 1]."""
        parts = [pixels[start : start + self.batch] for start in range(0, len(pixels), self.batch)]
        # cuDNN would take TF32 for float32 unasked, and choose its kernels by a race.
        exact = torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False)
        alone = ThreadPoolExecutor(self._cores, initializer=torch.set_num_threads, initargs=(1,))
        with exact, alone as pool:
            return np.concatenate(list(pool.map(self._pass, parts)))

    @cached_property
    def _module(self) -> nn.Module:
        return self._backbone.module.eval().to(self._where, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def _pass(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        full = np.zeros((self.batch, *pixels.shape[1:]), np.float32)
        full[: len(pixels)] = pixels
        with torch.inference_mode():
            values = self._module(torch.from_numpy(full).to(self._where))
        found: NDArray[np.float32] = values[: len(pixels)].cpu().numpy()
        return found
