"""How near hilum is to the limit of the machine: files to features, against decoding and arithmetic alone.

The parts take turns within one process. Decode: read, hash, decode and preprocess on one core. Forward: the
network alone on one core, at its fastest batch size. Whole: files to features on all cores, as ``hilum
train`` does it, without the cache. Limit: (decode + forward) / cores. The share compares the floating-point
rate of the network, as hilum runs it, with that of a product of two 4096 × 4096 matrices, both on all cores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs import sample
from benchmarks.measuring import Results, Spread, arguments, cores, ratio, timed, weights_of
from hilum.backbone import OpenVinoEngine, extract, open_backbone
from hilum.backbone.openvino_runtime import PRECISION_HINTS, openvino, precisions, read_graph
from hilum.files import hash_bytes
from hilum.radiograph import Preprocessing, decode, read_content
from hilum.recipe.settings import BackboneSettings, Precision

GOAL = 1.15
PEAK_GOAL = 0.80
SIZES = {"vgg16": 237, "efficientnet_lite0": 224, "densenet121": 224, "resnet50": 224}
"""Networks that are measured by default, and the side of their input in pixels."""
BATCHES = (1, 2, 4, 8, 16)
_SIDE = 4096  # of the matrices: 64 MiB each in float32, larger than any cache
_TRIAL_PASSES = 2  # of the largest batch, or as many images in smaller ones


def main() -> None:
    """Measure each network in each precision that the processor computes natively."""
    parser = arguments(__doc__, data=True, backbones=tuple(SIZES))
    parser.add_argument("--images", type=int, default=64, help="images of each measurement [64]")
    parser.add_argument("--turns", type=int, default=5, help="measurements of each part [5]")
    options = parser.parse_args()
    results = Results("limit", options.out)
    files = sample(options.data, options.images)
    rows = [
        measure_network(files, name, precision, options.turns, results)
        for name in options.backbone
        for precision in precisions()
    ]
    remarks = [
        f"Median of {options.turns} turns (smallest–largest). Goals: over the limit at most {GOAL};"
        f" share of VGG16 at least {PEAK_GOAL:.2f}."
    ]
    results.table("How near the limit", rows, remarks)


def measure_network(
    files: Sequence[Path],
    name: str,
    precision: Precision,
    turns: int,
    results: Results,
    batches: Sequence[int] = BATCHES,
    side: int = _SIDE,
) -> dict[str, str]:
    """Measure one network; print each turn, and return its row of the table."""
    backbone = open_backbone(BackboneSettings(name=name, weights=weights_of(name)), SIZES.get(name))
    one_core = OneCore(backbone.graph, backbone.size, precision, batches)
    engine = OpenVinoEngine(backbone, precision)
    preprocessing = Preprocessing(backbone.size)
    inputs = [_preprocessed(path, preprocessing) for path in files]
    list(engine.run(inputs[:1]))  # compiles the network
    operations = count_operations(reshaped(backbone.graph, backbone.size, 1))
    count = len(files)
    taken: list[dict[str, float]] = []
    for turn in range(1, turns + 1):
        found = {
            "decode": timed(lambda: [_preprocessed(path, preprocessing) for path in files]) / count,
            "forward": one_core.seconds(count),
            "whole": timed(lambda: extract(files, preprocessing, backbone, engine=engine)) / count,
            "engine": timed(lambda: list(engine.run(inputs))) / count,
            "product_rate": product_rate(engine.precision, cores(), side),
        }
        taken.append(found)
        figures = ", ".join(f"{part} {1e3 * found[part]:.1f} ms" for part in ("decode", "forward", "whole"))
        results.add(
            f"{name}, {precision}, turn {turn}: {figures}", network=name, precision=precision, **found
        )
    return summary(f"{name}, {backbone.size} px", engine.precision, one_core.batch, operations, taken)


def summary(
    network: str, precision: str, batch: int, operations: int, taken: Sequence[Mapping[str, float]]
) -> dict[str, str]:
    """Return the row of the table from the seconds an image of each turn."""
    decode, forward, whole, engine, product = (
        [turn[part] for turn in taken] for part in ("decode", "forward", "whole", "engine", "product_rate")
    )
    least = [(a + b) / cores() for a, b in zip(decode, forward, strict=True)]
    rates = [operations / seconds for seconds in engine]
    return {
        "Network": network,
        "Precision": precision,
        "Decode ms": Spread.of(decode).text(1, 1e3),
        "Forward ms": Spread.of(forward).text(1, 1e3),
        "Batch": str(batch),
        "Whole ms": Spread.of(whole).text(1, 1e3),
        "Over the limit": ratio(whole, least).text(2),
        "GFLOP": f"{operations / 1e9:.2f}",
        "GFLOP/s": Spread.of(rates).text(0, 1e-9),
        "of the product's": Spread.of(product).text(0, 1e-9),
        "Share": ratio(rates, product).text(2),
    }


def _preprocessed(path: Path, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Do what `extract` does with a file before the network."""
    content = read_content(path)
    hash_bytes(content)
    radiograph = decode(content, path, side=preprocessing.size)
    return preprocessing.apply(radiograph.pixels, radiograph.extent)


class OneCore:
    """A network on one core, at the batch size that is fastest there."""

    def __init__(self, graph: Path, size: int, precision: Precision, batches: Sequence[int]) -> None:
        self._compiled: dict[int, tuple[Any, NDArray[np.float32]]] = {}
        for batch in batches:
            compiled = _compile(reshaped(graph, size, batch), precision, threads=1)
            images = np.random.default_rng(0).random((batch, 1, size, size), np.float32)
            compiled(images)
            self._compiled[batch] = compiled, images
        trial = _TRIAL_PASSES * max(batches)
        self.batch = min(batches, key=lambda batch: self.seconds(trial, batch))

    def seconds(self, images: int, batch: int | None = None) -> float:
        """Return the seconds an image, over at least `images`."""
        batch = self.batch if batch is None else batch
        compiled, inputs = self._compiled[batch]
        passes = -(-images // batch)
        return timed(lambda: [compiled(inputs) for _ in range(passes)]) / (passes * batch)


def reshaped(graph: Path, size: int, batch: int) -> Any:
    """Read a graph with a static input shape of (batch, 1, size, size)."""
    model = read_graph(graph)
    model.reshape([batch, 1, size, size])
    return model


def _compile(model: Any, precision: Precision, threads: int) -> Any:
    settings = {
        "INFERENCE_PRECISION_HINT": PRECISION_HINTS[precision],
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
    }
    return openvino.Core().compile_model(model, "CPU", settings)


def product_rate(precision: Precision, threads: int, side: int = _SIDE) -> float:
    """Return the floating-point operations a second of a large matrix product.

    The second matrix is constant, as the weights of a network are.
    """
    random = np.random.default_rng(0)
    left, right = (random.random((side, side), np.float32) for _ in range(2))
    ops = openvino.opset13
    parameter = ops.parameter([side, side], np.float32)
    model = openvino.Model([ops.matmul(parameter, ops.constant(right), False, False)], [parameter])
    compiled = _compile(model, precision, threads)
    compiled(left)
    return 2 * side**3 / timed(lambda: compiled(left))


def count_operations(model: Any) -> int:
    """Count the floating-point operations of the convolutions and matrix products of an OpenVINO model.

    The shapes of the model must be static. A multiplication and the addition of its product are two
    operations. Activations, pooling and sums of branches are a small share and not counted. Zero padding
    counts as pixels.
    """
    return sum(_COUNTERS[op.get_type_name()](op) for op in model.get_ops() if op.get_type_name() in _COUNTERS)


def _shape(port: Any) -> list[int]:
    return list(port.get_shape())


def _convolution(op: Any) -> int:
    """Each output sums over its window in all input channels; weights are (output, input, rows, columns)."""
    return 2 * prod(_shape(op.output(0))) * prod(_shape(op.input_value(1))[1:])


def _group_convolution(op: Any) -> int:
    """Each output sums over its group only; weights are (groups, output, input, rows, columns)."""
    return 2 * prod(_shape(op.output(0))) * prod(_shape(op.input_value(1))[2:])


def _matmul(op: Any) -> int:
    shape = _shape(op.input_value(0))
    inner = shape[-2] if op.get_attributes()["transpose_a"] else shape[-1]
    return 2 * prod(_shape(op.output(0))) * inner


_COUNTERS: Mapping[str, Callable[[Any], int]] = {
    "Convolution": _convolution,
    "GroupConvolution": _group_convolution,
    "MatMul": _matmul,
}


if __name__ == "__main__":
    main()
