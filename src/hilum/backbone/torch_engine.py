"""Networks on an accelerator, or the CPU, with PyTorch."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hilum.recipe.settings import Precision

if TYPE_CHECKING:
    from hilum.backbone.backbone import Backbone

__all__ = ["REDUCED", "TorchEngine", "accelerated"]


REDUCED = {Precision.BFLOAT16: torch.bfloat16, Precision.FLOAT16: torch.float16}
"""PyTorch's types of the precisions besides float32."""

_BATCH = 64


class TorchEngine:
    """Runs a network with PyTorch, channels last; in a reduced precision by autocast.

    Kernels may sum in another order for another batch size; so every pass has the same number of images, and
    the last is filled up with empty ones. On the CPU that number is one, and each core makes passes of its
    own: threads that share a pass wait for each other, and stand still when anything else runs.

    Parameters
    ----------
    backbone : Backbone
    where : str
        PyTorch's name of a device.
    precision : Precision
    batch : int, optional
        Images a pass.
    """

    def __init__(
        self,
        backbone: Backbone,
        where: str,
        precision: Precision = Precision.FLOAT32,
        batch: int | None = None,
    ) -> None:
        self.device = f"{where}, PyTorch"
        self.precision = precision
        self.batch = batch or (1 if where == "cpu" else _BATCH)
        self._backbone = backbone
        self._where = where
        self._workers = (os.cpu_count() or 1) if where == "cpu" else 1

    @property
    def key(self) -> str:
        """Equal keys mean equal features of one network on one machine."""
        return f"{self.device} {torch.__version__}, {self.precision}, {self.batch} a pass"

    def run(self, squares: Iterable[NDArray[np.float32]]) -> Generator[NDArray[np.float32], None, None]:
        """Compute the features of prepared images; see `hilum.backbone.Engine`."""
        pending: deque[Future[NDArray[np.float32]]] = deque()
        pool = ThreadPoolExecutor(self._workers, initializer=_alone if self._where == "cpu" else None)
        # cuDNN would take TF32 for float32 unasked, and choose its kernels by a race.
        with torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False), pool:
            for images in _batches(squares, self.batch):
                pending.append(pool.submit(self._pass, images))
                if len(pending) > self._workers:  # one pass each is computed, and one waits
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()

    @cached_property
    def _module(self) -> nn.Module:
        return self._backbone.module.eval().to(self._where, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def _pass(self, images: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        full = torch.zeros(self.batch, 1, *images[0].shape, pin_memory=self._where == "cuda")
        np.stack(images, out=full.numpy()[: len(images), 0])
        reduced = REDUCED.get(self.precision)
        with torch.inference_mode(), torch.autocast(self._where, reduced, enabled=reduced is not None):
            values = self._module(full.to(self._where, non_blocking=True))
        found: NDArray[np.float32] = values[: len(images)].float().cpu().numpy()
        return found


def accelerated(where: str) -> tuple[Precision, ...]:
    """Return what an accelerator computes natively: float32, and behind it what is faster.

    Parameters
    ----------
    where : {"cuda", "mps"}
    """
    if where == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return Precision.FLOAT32, Precision.BFLOAT16, Precision.FLOAT16
    return Precision.FLOAT32, Precision.FLOAT16


def _batches(squares: Iterable[NDArray[np.float32]], count: int) -> Iterator[list[NDArray[np.float32]]]:
    rest = iter(squares)
    while images := list(islice(rest, count)):
        yield images


def _alone() -> None:
    torch.set_num_threads(1)
