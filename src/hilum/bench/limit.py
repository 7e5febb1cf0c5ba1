"""How near to the machine's limit: from files to features, against decoding alone and arithmetic alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.backbone import Backbone, OpenVinoEngine, extract, open_backbone
from hilum.backbone.openvino_runtime import precisions
from hilum.bench.forward import BATCHES, OneCore, operations_of, product_rate, timed
from hilum.bench.machine import cores
from hilum.bench.models import weights_of
from hilum.bench.sample import sample
from hilum.bench.spread import Spread, ratio
from hilum.files import hash_bytes
from hilum.progress import SILENT, Progress
from hilum.radiograph import Preprocessing, decode, read_content
from hilum.recipe.settings import BackboneSettings, Precision

__all__ = ["GOAL", "PEAK_GOAL", "SIZES", "Limit", "bench_limit"]


GOAL = 1.15
"""Of the time from files to features over the least possible, at most."""
PEAK_GOAL = 0.80
"""Of VGG16's operations a second over a matrix product's, at least."""
SIZES = {"vgg16": 237, "efficientnet_lite0": 224, "densenet121": 224, "resnet50": 224}
"""Networks that are measured unless others are named, and the side of their input in pixels."""


@dataclass(frozen=True)
class Limit:
    """How one network stands.

    Parameters
    ----------
    network, precision : str
    size : int
        Side of its input in pixels.
    batch : int
        That is fastest on one core.
    operations : int
        Floating-point operations an image.
    decode_seconds : Spread
        To read, hash, decode and prepare an image, on one core.
    forward_seconds : Spread
        Of the network alone an image, on one core, at `batch`.
    whole_seconds : Spread
        From file to features an image, on all cores, as ``hilum train`` does it, without the cache.
    over_limit : Spread
        `whole_seconds` over (`decode_seconds` + `forward_seconds`) / cores.
    engine_rate, product_rate : Spread
        Floating-point operations a second, on all cores: of the network as hilum runs it, and of a large
        matrix product.
    of_product : Spread
        The first over the second.
    """

    network: str
    precision: str
    size: int
    batch: int
    operations: int
    decode_seconds: Spread
    forward_seconds: Spread
    whole_seconds: Spread
    over_limit: Spread
    engine_rate: Spread
    product_rate: Spread
    of_product: Spread


def bench_limit(
    data: Path,
    *,
    networks: Sequence[str] = tuple(SIZES),
    images: int = 64,
    turns: int = 5,
    batches: tuple[int, ...] = BATCHES,
    progress: Progress = SILENT,
) -> list[Limit]:
    """Measure each network in each precision of the processor, the parts in turn.

    Parameters
    ----------
    data : Path
        Folder of images; 8-bit JPEG and PNG files are taken evenly from it.
    networks : sequence of str
    images : int
    turns : int
    batches : tuple of int
        That are tried on one core.
    progress : Progress
    """
    files = sample(data, images)
    work = [(name, precision) for name in networks for precision in precisions()]
    return [
        _measured(files, name, precision, turns, batches)
        for name, precision in progress.track(work, what="Measuring", total=len(work))
    ]


@dataclass(frozen=True)
class _Turn:
    """What one turn measured, in seconds an image; the product in operations a second."""

    decode: float
    forward: float
    whole: float
    engine: float
    product: float


def _measured(
    files: list[Path], name: str, precision: Precision, turns: int, batches: tuple[int, ...]
) -> Limit:
    settings = BackboneSettings(name=name, weights=weights_of(name))
    backbone = open_backbone(settings, SIZES.get(name))
    alone = OneCore(backbone.graph, backbone.size, precision, batches)
    engine = OpenVinoEngine(backbone, precision)
    preprocessing = Preprocessing(backbone.size)
    squares = [_square(path, preprocessing) for path in files]
    for _ in engine.run(squares[:1]):  # which compiles it
        pass
    taken = [_turn(files, squares, preprocessing, backbone, engine, alone) for _ in range(turns)]
    return _summed(name, alone.batch, backbone, engine.precision, taken)


def _square(path: Path, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Do what `extract` does with a file before the network."""
    content = read_content(path)
    hash_bytes(content)
    radiograph = decode(content, path, side=preprocessing.size)
    return preprocessing.apply(radiograph.pixels, radiograph.extent)


def _turn(
    files: list[Path],
    squares: list[NDArray[np.float32]],
    preprocessing: Preprocessing,
    backbone: Backbone,
    engine: OpenVinoEngine,
    alone: OneCore,
) -> _Turn:
    count = len(files)
    return _Turn(
        decode=timed(lambda: [_square(path, preprocessing) for path in files]) / count,
        forward=alone.seconds(count),
        whole=timed(lambda: extract(files, preprocessing, backbone, engine=engine)) / count,
        engine=timed(lambda: list(engine.run(squares))) / count,
        product=product_rate(engine.precision, cores()),
    )


def _summed(name: str, batch: int, backbone: Backbone, precision: Precision, taken: list[_Turn]) -> Limit:
    operations = operations_of(backbone.graph, backbone.size)
    rates = [operations / turn.engine for turn in taken]
    least = [(turn.decode + turn.forward) / cores() for turn in taken]
    products = [turn.product for turn in taken]
    return Limit(
        network=name,
        precision=precision,
        size=backbone.size,
        batch=batch,
        operations=operations,
        decode_seconds=Spread.of([turn.decode for turn in taken]),
        forward_seconds=Spread.of([turn.forward for turn in taken]),
        whole_seconds=Spread.of([turn.whole for turn in taken]),
        over_limit=ratio([turn.whole for turn in taken], least),
        engine_rate=Spread.of(rates),
        product_rate=Spread.of(products),
        of_product=ratio(rates, products),
    )
