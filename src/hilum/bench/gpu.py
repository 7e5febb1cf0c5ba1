"""Networks on a GPU: images a second, and how near its peak."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from hilum.backbone import Backbone, open_backbone
from hilum.backbone.torch_engine import REDUCED, TorchEngine
from hilum.bench.forward import operations_of, timed
from hilum.bench.limit import SIZES
from hilum.bench.models import weights_of
from hilum.bench.spread import Spread, ratio
from hilum.progress import SILENT, Progress
from hilum.recipe.settings import BackboneSettings, Precision

__all__ = ["PRECISIONS", "GpuRate", "bench_gpu"]


PRECISIONS = (Precision.FLOAT32, Precision.BFLOAT16)
_BATCHES = (16, 64, 256)
_SIDE = 8192  # of the matrices
_REPEATS = 10
_SEED = 0


@dataclass(frozen=True)
class GpuRate:
    """How one network stands.

    Parameters
    ----------
    network, precision : str
    size : int
        Side of its input in pixels.
    batch : int
        That is fastest.
    forward : Spread
        Images a second of the network alone, its input on the device, at `batch`.
    engine : Spread
        Images a second of hilum's engine, from the memory of the processor and back.
    of_peak : Spread
        Operations a second of `forward` over those of a large matrix product in the same precision.
    """

    network: str
    precision: str
    size: int
    batch: int
    forward: Spread
    engine: Spread
    of_peak: Spread


def bench_gpu(
    *,
    networks: Sequence[str] = tuple(SIZES),
    where: str = "cuda",
    images: int = 2048,
    turns: int = 5,
    batches: tuple[int, ...] = _BATCHES,
    side: int = _SIDE,
    progress: Progress = SILENT,
) -> list[GpuRate]:
    """Measure each network in float32 (no TF32) and in bfloat16, the parts in turn.

    Parameters
    ----------
    networks : sequence of str
    where : str
        PyTorch's name of the device.
    images : int
        That the engine is given.
    turns : int
    batches : tuple of int
        That are tried.
    side : int
        Of the matrices whose product stands for the device's peak.
    progress : Progress
    """
    work = [(name, precision) for name in networks for precision in PRECISIONS]
    with torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False):
        return [
            _measured(name, precision, where, images, turns, batches, side)
            for name, precision in progress.track(work, what="Measuring", total=len(work))
        ]


def _measured(
    name: str,
    precision: Precision,
    where: str,
    images: int,
    turns: int,
    batches: tuple[int, ...],
    side: int,
) -> GpuRate:
    backbone = open_backbone(BackboneSettings(name=name, weights=weights_of(name)), SIZES.get(name))
    operations = operations_of(backbone.graph, backbone.size)
    forwards = {batch: _Forward(backbone, where, precision, batch) for batch in batches}
    batch = min(forwards, key=lambda each: forwards[each].seconds())
    engine = TorchEngine(backbone, where, precision)
    squares = np.random.default_rng(_SEED).random((images, backbone.size, backbone.size), np.float32)
    list(engine.run(squares[: engine.batch]))  # what is prepared once
    taken = [
        (
            1 / forwards[batch].seconds(),
            images / timed(lambda: list(engine.run(squares))),
            _product_rate(where, precision, side),
        )
        for _ in range(turns)
    ]
    forward, through, product = zip(*taken, strict=True)
    return GpuRate(
        network=name,
        precision=precision,
        size=backbone.size,
        batch=batch,
        forward=Spread.of(forward),
        engine=Spread.of(through),
        of_peak=ratio([rate * operations for rate in forward], product),
    )


class _Forward:
    """The network alone, on images that are on the device already."""

    def __init__(self, backbone: Backbone, where: str, precision: Precision, batch: int) -> None:
        self._module = backbone.module.eval().to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._images = torch.zeros(batch, 1, backbone.size, backbone.size, device=where)
        self._where, self._type = where, REDUCED.get(precision, torch.float32)
        self.seconds()  # chooses kernels

    def seconds(self) -> float:
        """Measure some passes: seconds an image."""
        reduced = self._type is not torch.float32
        with torch.inference_mode(), torch.autocast(self._where, self._type, enabled=reduced):
            return _timed_on(self._where, lambda: self._module(self._images)) / len(self._images)


def _product_rate(where: str, precision: Precision, side: int) -> float:
    left, right = (
        torch.rand(side, side, device=where, dtype=REDUCED.get(precision, torch.float32)) for _ in range(2)
    )
    torch.matmul(left, right)
    return 2 * side**3 / _timed_on(where, lambda: torch.matmul(left, right))


def _timed_on(where: str, work: Callable[[], object]) -> float:
    """Return the seconds of one of several calls; a device works on after a call has returned."""

    def repeated() -> None:
        for _ in range(_REPEATS):
            work()
        if where == "cuda":
            torch.cuda.synchronize()

    if where == "cuda":
        torch.cuda.synchronize()
    return timed(repeated) / _REPEATS
