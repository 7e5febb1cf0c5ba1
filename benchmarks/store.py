"""Seconds to write records to the feature store and to look them up, without reading images.

Records are written in batches of 32, as `hilum.backbone.extract` does, and looked up by hash in another
order.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measuring import Results, arguments, timed
from hilum.backbone import FeatureStore
from hilum.backbone.cache import Context, Record
from hilum.files import hash_bytes
from hilum.radiograph import Header

BATCH = 32


def measure(images: int, features: int, results: Results) -> None:
    """Write and look up as many records."""
    rng = np.random.default_rng(0)
    header = Header("JPEG", 1024, 1024, "L", 8, 65_000)
    names = [hash_bytes(str(number).encode()) for number in range(images)]
    with tempfile.TemporaryDirectory() as folder, FeatureStore.open(Path(folder)) as store:
        section = store.section(Context("0" * 64, "none", "none", "none"))
        assert section is not None

        def write() -> None:
            for start in range(0, images, BATCH):
                batch = names[start : start + BATCH]
                section.put([Record(name, rng.random(features, np.float32), header) for name in batch])

        written = timed(write)
        megabytes = (section.folder / "data.mdb").stat().st_blocks * 512 / 1e6
        line = f"{images:,} records of {features:,} features written: {written:.1f} s, {megabytes:,.0f} MB"
        results.add(line, images=images, features=features, write_seconds=written, megabytes=megabytes)
        order = rng.permutation(images)
        read = timed(lambda: [section.get(names[place], features) for place in order])
        results.add(f"looked up: {read:.1f} s, {1e6 * read / images:.0f} µs each", read_seconds=read)


def main() -> None:
    """Measure."""
    parser = arguments(__doc__)
    parser.add_argument("--images", type=int, default=100_000, help="[100000]")
    parser.add_argument("--features", type=int, default=1280, help="values per image [1280]")
    options = parser.parse_args()
    measure(options.images, options.features, Results("store", options.out))


if __name__ == "__main__":
    main()
