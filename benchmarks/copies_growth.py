"""Time, memory and recall of the search for copies among more and more images.

Each number of images has a process of its own. The images are synthetic: phantoms, each warped differently so
that no two are alike, at the size that the search keeps; no files are read. 200 images have a copy: resized,
cropped by up to 15 % on each side, with another gamma, every second one mirrored.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
from PIL import Image

from benchmarks.measuring import Results, arguments
from hilum.cohort.duplicates import Fingerprints, ThumbnailStore, copies_among
from hilum.cohort.duplicates.fingerprints import SIDE
from hilum.phantom import PhantomCohort
from hilum.phantom.cohort import plan
from hilum.phantom.folder import draw

PHANTOMS, COPIES, FEATURES = 200, 200, 1280
CELLS, WARP = 4, 0.04
"""Cells of the grid along a side, and the standard deviation of a node's shift as a share of the side."""
RESAMPLING = Image.Resampling.BILINEAR


def search(images: int) -> None:
    """Print the figures for so many images."""
    rng = np.random.default_rng(0)
    fingerprints = synthetic(images, rng)
    features = rng.normal(size=(images, FEATURES)).astype(np.float32)
    features[-COPIES:] = features[:COPIES] + rng.normal(size=(COPIES, FEATURES)).astype(np.float32)
    before = memory()
    began, used = time.perf_counter(), time.process_time()
    pairs = copies_among(fingerprints, features).pairs
    clock, used = time.perf_counter() - began, time.process_time() - used
    planted = {(row, images - COPIES + row) for row in range(COPIES)}
    found = set(zip(pairs["image"].tolist(), pairs["other"].tolist(), strict=True))
    print(
        f"{images:8,} images: {clock:6.0f} s, {used:6.0f} s of processor time "
        f"({1000 * used / images:.1f} ms an image), peak {memory():.0f} MB ({before:.0f} before), "
        f"{len(planted & found)} of {COPIES} copies found, {len(found - planted)} other pairs",
        flush=True,
    )


def synthetic(images: int, rng: np.random.Generator) -> Fingerprints:
    """Return the fingerprints of different images, then of copies of the first ones."""
    design = PhantomCohort(images=PHANTOMS, size=(SIDE, SIDE), duplicates=0)
    drawn = [resized(255 * draw(design, shot)) for shot in plan(design)]
    store, first = ThumbnailStore(), []
    for row in range(images - COPIES):
        pixels = warped(drawn[row % PHANTOMS], rng)
        store.append(pixels)
        first += [pixels] if row < COPIES else []
    for row, pixels in enumerate(first):
        store.append(copied(pixels, rng, mirrored=row % 2 == 1))
    names = tuple(map(str, range(images)))
    return Fingerprints(names, names, store, np.full((images, 2), SIDE), {})


def resized(pixels: np.ndarray) -> np.ndarray:
    """Return an image of SIDE × SIDE, uint8."""
    image = Image.fromarray(pixels.astype(np.float32)).resize((SIDE, SIDE), RESAMPLING)
    return np.asarray(image).clip(0, 255).round().astype(np.uint8)


def warped(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move the nodes of a grid, and interpolate between them."""
    ends = np.linspace(0, SIDE, CELLS + 1)
    nodes = np.stack(np.meshgrid(ends, ends), axis=-1) + rng.normal(0, WARP * SIDE, (CELLS + 1, CELLS + 1, 2))
    cells = [
        (
            (int(ends[x]), int(ends[y]), int(ends[x + 1]), int(ends[y + 1])),
            (*nodes[y, x], *nodes[y + 1, x], *nodes[y + 1, x + 1], *nodes[y, x + 1]),
        )
        for y in range(CELLS)
        for x in range(CELLS)
    ]
    image = Image.fromarray(pixels).transform((SIDE, SIDE), Image.Transform.MESH, cells, RESAMPLING)
    return np.asarray(image)


def copied(pixels: np.ndarray, rng: np.random.Generator, *, mirrored: bool) -> np.ndarray:
    """Crop, change the gamma, mirror."""
    top, bottom, left, right = (SIDE * rng.uniform(0, 0.15, 4)).round().astype(int)
    cut = pixels[top : SIDE - bottom, left : SIDE - right] / 255
    cut = 255 * cut ** rng.uniform(0.7, 1.4)
    return resized(np.ascontiguousarray(cut[:, ::-1]) if mirrored else cut)


def memory() -> float:
    """Return the peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Search among each number of images in a process of its own."""
    parser = arguments(__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 10_000], help="[1000 10000]")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        search(options.one)
        return
    results = Results("copies_growth", options.out)
    for count in options.images:
        command = [sys.executable, "-m", "benchmarks.copies_growth", "--one", str(count)]
        line = subprocess.check_output(command, text=True).strip()
        results.add(line, images=count, figures=line)


if __name__ == "__main__":
    main()
