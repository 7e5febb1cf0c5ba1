"""Time the feature store alone: ``python benchmarks/store.py [--images 100000] [--features 1280]``.

Records of made-up images are written as `hilum.backbone.extract` writes them, 32 a commit, and then each is
looked up by its hash, in another order. Files are not read.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from hilum.backbone import FeatureStore
from hilum.backbone.store import Context, Record
from hilum.files import hash_bytes
from hilum.radiograph import Header

CHUNK = 32


def measure(images: int, features: int) -> str:
    """Return a line of seconds, and what the store takes on the disk."""
    rng = np.random.default_rng(0)
    header = Header("JPEG", 1024, 1024, "L", 8, 65_000)
    names = [hash_bytes(str(number).encode()) for number in range(images)]
    context = Context("0" * 64, "none", "none", "none")
    with tempfile.TemporaryDirectory() as folder, FeatureStore.open(Path(folder)) as store:
        section = store.section(context)
        began = time.perf_counter()
        for start in range(0, images, CHUNK):
            section.put(
                [
                    Record(name, rng.random(features, np.float32), header)
                    for name in names[start : start + CHUNK]
                ]
            )
        written = time.perf_counter()
        found = sum(section.get(names[place], features) is not None for place in rng.permutation(images))
        read = time.perf_counter()
        size = (section.folder / "data.mdb").stat().st_blocks * 512
    return (
        f"{images:,} images of {features:,} features: written in {written - began:.1f} s, {found:,} looked up"
        f" in {read - written:.1f} s ({1e6 * (read - written) / images:.0f} µs each), {size / 1e6:,.0f} MB"
    )


def main() -> None:
    """Measure as many images as are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--features", type=int, default=1280)
    options = parser.parse_args()
    sys.stdout.write(measure(options.images, options.features) + "\n")


if __name__ == "__main__":
    main()
