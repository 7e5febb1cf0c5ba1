"""Networks on a CUDA device: images a second, and the share of the device's peak.

The parts take turns within one process. Forward: the network alone, its input on the device, at its fastest
batch size. Engine: as hilum runs it, from host memory and back. The share compares the floating-point rate of
forward with that of a product of two 8192 × 8192 matrices in the same precision. float32 is without TF32.
Takes about two minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from benchmarks.limit import SIZES, count_operations, reshaped
from benchmarks.measuring import Results, Spread, arguments, ratio, timed, weights_of
from hilum.backbone import Backbone, open_backbone
from hilum.backbone.engine import accelerator
from hilum.backbone.network import REDUCED, TorchEngine
from hilum.recipe.settings import BackboneSettings, Precision

PRECISIONS = (Precision.FLOAT32, Precision.BFLOAT16)
BATCHES = (16, 64, 256)
_SIDE = 8192  # of the matrices
_REPEATS = 5


def main() -> None:
    """Measure each network in float32 and in bfloat16."""
    parser = arguments(__doc__, backbones=tuple(SIZES))
    parser.add_argument("--images", type=int, default=512, help="images that the engine is given [512]")
    parser.add_argument("--turns", type=int, default=3, help="measurements of each part [3]")
    options = parser.parse_args()
    if accelerator() != "cuda":
        print("There is no CUDA device: nothing to measure.")
        return
    results = Results("gpu", options.out)
    rows = []
    for name in options.backbone:
        rows += measure_network(name, "cuda", options.images, options.turns, results)
    results.table("On the GPU", rows, [f"Median of {options.turns} turns (smallest–largest)."])


def measure_network(
    name: str,
    device: str,
    images: int,
    turns: int,
    results: Results,
    batches: Sequence[int] = BATCHES,
    side: int = _SIDE,
) -> list[dict[str, str]]:
    """Measure a network in both precisions; print each turn, and return the rows of the table."""
    results.say(f"{name}: building the network")
    backbone = open_backbone(BackboneSettings(name=name, weights=weights_of(name)), SIZES.get(name))
    operations = count_operations(reshaped(backbone.graph, backbone.size, 1))
    inputs = np.random.default_rng(0).random((images, backbone.size, backbone.size), np.float32)
    with torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False):
        return [
            _measure(
                backbone, operations, inputs, precision, device, turns, results, batches=batches, side=side
            )
            for precision in PRECISIONS
        ]


def _measure(
    backbone: Backbone,
    operations: int,
    inputs: np.ndarray[Any, np.dtype[np.float32]],
    precision: Precision,
    device: str,
    turns: int,
    results: Results,
    *,
    batches: Sequence[int],
    side: int,
) -> dict[str, str]:
    name = f"{backbone.name}, {backbone.size} px, {precision}"
    module = backbone.module.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    batch = min(batches, key=lambda each: forward_seconds(module, backbone.size, each, device, precision))
    engine = TorchEngine(backbone, device, precision)
    list(engine.run(inputs[: engine.batch]))  # one-off work
    taken: list[tuple[float, float, float]] = []
    for turn in range(1, turns + 1):
        forward = 1 / forward_seconds(module, backbone.size, batch, device, precision)
        through = len(inputs) / timed(lambda: list(engine.run(inputs)))
        peak = product_rate(device, precision, side)
        taken.append((forward, through, peak))
        results.add(
            f"{name}, turn {turn}: forward {forward:,.0f} images/s at batch {batch},"
            f" engine {through:,.0f} images/s, share of peak {forward * operations / peak:.2f}",
            network=backbone.name,
            precision=precision,
            batch=batch,
            forward=forward,
            engine=through,
            peak=peak,
        )
    forwards, engines, peaks = zip(*taken, strict=True)
    return {
        "Network": name,
        "Batch": str(batch),
        "Forward images/s": Spread.of(forwards).text(0),
        "Share of peak": ratio([rate * operations for rate in forwards], peaks).text(2),
        "Engine images/s": Spread.of(engines).text(0),
    }


def forward_seconds(
    module: torch.nn.Module, size: int, batch: int, device: str, precision: Precision
) -> float:
    """Return the seconds an image of the network alone."""
    images = torch.zeros(batch, 1, size, size, device=device)
    dtype = REDUCED.get(precision, torch.float32)
    with torch.inference_mode(), torch.autocast(device, dtype, enabled=dtype is not torch.float32):
        return _timed_on(device, lambda: module(images)) / batch


def product_rate(device: str, precision: Precision, side: int) -> float:
    """Return the floating-point operations a second of a large matrix product."""
    dtype = REDUCED.get(precision, torch.float32)
    left, right = (torch.rand(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / _timed_on(device, lambda: torch.matmul(left, right))


def _timed_on(device: str, work: Callable[[], object]) -> float:
    """Return the seconds of one call, after a warm-up. A device works on after a call returns."""

    def repeated() -> None:
        for _ in range(_REPEATS):
            work()
        _wait(device)

    work()
    _wait(device)
    return timed(repeated) / _REPEATS


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
