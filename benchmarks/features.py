"""Time features of real images, computed and looked up.

``python benchmarks/features.py FOLDER --backbone efficientnet_lite0 vgg16`` prints one line a network:
seconds and images a second without and with the cache, and whether both gave the same bits. Networks other
than the embedded one run with random weights, which cost the same time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from hilum.backbone import EMBEDDED, FeatureStore, extract, open_backbone
from hilum.radiograph import Preprocessing, find_images
from hilum.recipe.settings import BackboneSettings


def measure(name: str, paths: list[Path], size: int) -> str:
    """Extract twice with a store of its own."""
    weights = "imagenet" if name == EMBEDDED else "random"
    start = time.perf_counter()
    backbone = open_backbone(BackboneSettings(name=name, weights=weights), size)
    line = f"{name} ({weights}): opened in {time.perf_counter() - start:.2f} s"
    found = []
    with tempfile.TemporaryDirectory() as folder, FeatureStore.open(Path(folder)) as store:
        for what in ("computed", "cached"):
            start = time.perf_counter()
            found.append(extract(paths, Preprocessing(size), backbone, store))
            seconds = time.perf_counter() - start
            line += f"; {what} {seconds:.2f} s, {len(paths) / seconds:.1f} images/s"
    same = found[0].values.tobytes() == found[1].values.tobytes()
    return f"{line}; from cache {found[1].from_cache}, same bits: {same}"


def main() -> None:
    """Measure each network that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--backbone", nargs="+", default=[EMBEDDED, "vgg16"])
    parser.add_argument("--size", type=int, default=237)
    parser.add_argument("--images", type=int, default=100)
    options = parser.parse_args()
    paths = sorted(find_images([options.folder]))[: options.images]
    for name in options.backbone:
        sys.stdout.write(measure(name, paths, options.size) + "\n")


if __name__ == "__main__":
    main()
