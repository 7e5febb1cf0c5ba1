"""Seconds for the features of real images, computed and looked up, and whether both are the same bits."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.inputs import sample
from benchmarks.measuring import Results, arguments, timed, weights_of
from hilum.backbone import EMBEDDED, Features, FeatureStore, extract, open_backbone
from hilum.radiograph import Preprocessing
from hilum.recipe.settings import BackboneSettings


def measure(name: str, paths: list[Path], size: int, results: Results) -> None:
    """Extract twice with a store of its own."""
    backbone = open_backbone(BackboneSettings(name=name, weights=weights_of(name)), size)
    found: list[Features] = []
    with tempfile.TemporaryDirectory() as folder, FeatureStore.open(Path(folder)) as store:
        for work in ("computed", "looked up"):
            seconds = timed(lambda: found.append(extract(paths, Preprocessing(size), backbone, store)))
            rate = len(paths) / seconds
            line = f"{name}, {len(paths)} images {work}: {seconds:.2f} s, {rate:.1f} images/s"
            results.add(line, network=name, work=work, seconds=seconds)
    same = found[0].values.tobytes() == found[1].values.tobytes()
    results.add(
        f"{name}: {found[1].from_cache} from the cache, same bits: {same}", network=name, same_bits=same
    )


def main() -> None:
    """Measure each network."""
    parser = arguments(__doc__, data=True, backbones=(EMBEDDED, "vgg16"))
    parser.add_argument("--size", type=int, default=237, help="side of the network's input in pixels [237]")
    parser.add_argument("--images", type=int, default=100, help="[100]")
    options = parser.parse_args()
    results = Results("features", options.out)
    paths = sample(options.data, options.images)
    for name in options.backbone:
        measure(name, paths, options.size, results)


if __name__ == "__main__":
    main()
