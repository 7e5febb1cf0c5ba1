"""What reading at reduced size saves, and how far it changes pixels and probabilities.

Three tables of the real images in --data that `decode(…, side=…)` reduces: milliseconds an image in one
thread, read and preprocessed, for each format and size (alternating, the best of five); how far preprocessed
pixels differ from those of the full image, for each side and factor (small sides reach factors that only
larger images reach at 224); and for each --run how far probabilities move, and how many decisions change.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.measuring import Results, arguments
from hilum.bundle import Bundle
from hilum.classifier import Threshold, decide
from hilum.errors import RadiographError
from hilum.radiograph import Preprocessing, decode, find_images, preprocessing, read

TIMES = 5
SIZES = (
    (0, "short side below 448"),
    (448, "448 to 895"),
    (896, "896 to 1791"),
    (1792, "1792 and above (enlarged)"),
)


def preprocessed(content: bytes, preprocessing: Preprocessing, side: int | None) -> NDArray[np.float32]:
    """Decode and preprocess."""
    radiograph = decode(content, "image", side=side)
    return preprocessing.apply(radiograph.pixels, radiograph.extent)


def milliseconds(content: bytes, side: int) -> tuple[float, float]:
    """Return the best time without and with reduction."""
    best = [np.inf, np.inf]
    for _ in range(TIMES):
        for place, asked in enumerate((None, side)):
            began = time.perf_counter()
            preprocessed(content, Preprocessing(side), asked)
            best[place] = min(best[place], 1e3 * (time.perf_counter() - began))
    return best[0], best[1]


def enlarged(paths: Iterable[Path]) -> Iterator[tuple[Path, bytes]]:
    """Yield images as large as digitised film; the files of the collections are scaled down."""
    for path in paths:
        pixels = Preprocessing(2048).apply(read(path).pixels)
        for form, image in (
            ("JPEG", Image.fromarray(np.rint(pixels * 255).astype(np.uint8))),
            ("PNG", Image.fromarray(np.rint(pixels * 4095).astype(np.uint16))),
        ):
            stream = BytesIO()
            image.save(stream, form)
            yield path, stream.getvalue()


def times(paths: list[Path], side: int, count: int, results: Results) -> None:
    """Print the time an image, by format and size."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    shuffled = list(np.random.default_rng(0).permutation(np.array(paths, object)))
    for path, content in [*((path, path.read_bytes()) for path in shuffled), *enlarged(shuffled[:count])]:
        try:
            header = decode(content, path).header
        except RadiographError:
            continue
        size = [name for least, name in SIZES if min(header.rows, header.columns) >= least][-1]
        if len(found[header.format, size]) < count:
            found[header.format, size].append(milliseconds(content, side))
    results.say(f"\nms an image, read and preprocessed to {side}{'full':>20}{'reduced':>10}{'n':>6}")
    for (form, size), rows in sorted(found.items()):
        whole, reduced = np.mean(rows, axis=0)
        line = f"  {form:8}{size:34}{whole:12.2f}{reduced:10.2f}{len(rows):6}"
        results.add(line, format=form, size=size, full_ms=whole, reduced_ms=reduced, images=len(rows))


def pairs(
    paths: list[Path], preprocessing: Preprocessing
) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.float32]]]:
    """Yield the factor of each image that is reduced, and its preprocessed pixels, full and reduced."""
    for path in paths:
        try:
            small = read(path, side=preprocessing.size)
        except RadiographError:
            continue
        if small.extent is not None:
            pixels = preprocessing.apply(small.pixels, small.extent)
            yield -(-small.extent[0] // len(small.pixels)), preprocessing.apply(read(path).pixels), pixels


def pixel_changes(paths: list[Path], side: int, results: Results) -> None:
    """Print how far preprocessed pixels move."""
    found: dict[int, list[tuple[float, float, float]]] = defaultdict(list)
    for factor, whole, reduced in pairs(paths, Preprocessing(side)):
        off = np.abs(whole - reduced)
        found[factor].append((float(off.mean()), float(np.quantile(off, 0.999)), float(off.max())))
    for factor, rows in sorted(found.items()):
        mean, high, most = np.array(rows).T
        results.add(
            f"  {side:4}{factor:8}{len(rows):8}{mean.mean():10.5f}{mean.max():12.5f}"
            f"{high.mean():10.4f}{most.max():10.4f}",
            side=side,
            factor=factor,
            images=len(rows),
            mean=mean.mean(),
            largest=most.max(),
        )


def probability_changes(paths: list[Path], run: Path, results: Results) -> None:
    """Print how far probabilities move."""
    model = Bundle.load(run)
    both = [(whole, reduced) for _, whole, reduced in pairs(paths, model.preprocessing)]
    if not both:
        results.add(f"  {run.name:24}{0:6}  no image is large enough to be reduced", run=run.name, images=0)
        return
    before, after = (model.probabilities(np.stack([pair[place] for pair in both])) for place in (0, 1))
    off = np.abs(before - after).max(axis=1)
    record = model.manifest.threshold
    threshold = Threshold(value=record.value, rule=record.rule)
    flips = int((decide(before, threshold) != decide(after, threshold)).sum())
    results.add(
        f"  {run.name:24}{len(off):6}{off.mean():10.5f}"
        f"{np.quantile(off, 0.99):10.4f}{off.max():10.4f}{flips:8}",
        run=run.name,
        images=len(off),
        mean=off.mean(),
        largest=off.max(),
        changed_decisions=flips,
    )


def main() -> None:
    """Print the tables."""
    parser = arguments(__doc__, data=True)
    parser.add_argument("--run", type=Path, nargs="*", default=[], help="runs to compare")
    parser.add_argument("--side", type=int, nargs="*", default=[224, 237, 112, 56], help="[224 237 112 56]")
    parser.add_argument("--margin", type=float, default=preprocessing.MARGIN, help="of the reduction")
    parser.add_argument("--images", type=int, default=60, help="images of each kind that are timed [60]")
    options = parser.parse_args()
    results = Results("reading", options.out)
    preprocessing.MARGIN = options.margin
    paths = [path for path in find_images([options.data]) if path.suffix != ".csv"]
    if options.images:
        times(paths, 224, options.images, results)
    results.say("\npreprocessed pixels: side  factor  images  mean  worst mean  99.9 %  largest")
    for side in options.side:
        pixel_changes(paths, side, results)
    results.say("\nprobabilities of a run  images  mean  99 %  largest  changed decisions")
    for run in options.run:
        probability_changes(paths, run, results)


if __name__ == "__main__":
    main()
