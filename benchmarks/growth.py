"""How time and memory grow with the number of images: prediction, features, and the stages without pixels.

200 synthetic radiographs of 256 × 256 pixels (or the images of --data) are written again and again, each file
with a comment of its own: the pixels repeat, the bytes do not. Each kind of work is a whole process in
float32; an image takes what a run takes more than a run over 10 images. `benchmarks.stages` then times the
stages without pixels.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree

from benchmarks.inputs import make_model, multiply, sample
from benchmarks.measuring import (
    BenchmarkError,
    Results,
    Side,
    Spread,
    Usage,
    arguments,
    take_turns,
    weights_of,
)
from benchmarks.stages import measure_stages
from hilum.backbone import EMBEDDED, FeatureStore, extract, open_backbone
from hilum.phantom import PhantomCohort, Shortcut, ShortcutKind, write
from hilum.radiograph import Preprocessing, find_images
from hilum.recipe.settings import BackboneSettings, Precision

COUNTS = (1_000, 10_000, 100_000)
_DRAWN = 200
_SIDE_PX = 256
_FEW = 10  # images of the run that shows what starting a process takes
_WORK = ("predict", "features", "cached")


def main() -> None:
    """Measure, and print the tables."""
    parser = arguments(__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=list(COUNTS), help="[1000 10000 100000]")
    parser.add_argument("--backbone", default=EMBEDDED, help=f"network [{EMBEDDED}]")
    parser.add_argument("--data", type=Path, help="radiographs to repeat [synthetic ones]")
    parser.add_argument("--scratch", type=Path, help="where the files are written, and removed afterwards")
    parser.add_argument("--turns", type=int, default=1, help="runs of each [1]")
    parser.add_argument("--stages", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    counts = sorted(set(options.images))
    if counts[0] <= _FEW:
        parser.error(f"--images: more than {_FEW} are needed")
    results = Results("growth", options.out)
    with tempfile.TemporaryDirectory(prefix="hilum-bench-", dir=options.scratch) as folder:
        grow(counts, options.backbone, options.data, Path(folder), options.turns, results)
    if options.stages:
        rows = [row for count in counts for row in measure_stages(count, results)]
        results.table(
            "Stages without pixels", rows, ["Each in a process of its own; seconds of the stage alone."]
        )


def grow(
    counts: Sequence[int], network: str, data: Path | None, place: Path, turns: int, results: Results
) -> None:
    """Measure the three kinds of work for each number of images, and print their table."""
    steps = [_FEW, *counts]
    multiply(pictures(data, place), steps, place / "images")
    run = make_model(network, Precision.FLOAT32, place / "models", results)
    sides = [side for count in steps for side in sides_of(network, place, run, steps, count)]
    used = take_turns(sides, turns, results)
    rows = [growth_row(work, count, used, place) for work in _WORK for count in counts]
    results.table("Growth with the number of images", rows, [f"Network: {network}, float32."])


def pictures(data: Path | None, place: Path) -> list[Path]:
    """Return the radiographs that are repeated: some of a folder, or synthetic ones."""
    if data is not None:
        return sample(data, _DRAWN)
    one_size = (Shortcut(ShortcutKind.RESOLUTION, strength=0, rate=0),)
    write(PhantomCohort(images=_DRAWN, size=(_SIDE_PX, _SIDE_PX), shortcuts=one_size), place / "phantom")
    return sorted((place / "phantom").glob("*.png"))


def sides_of(network: str, place: Path, run: Path, steps: Sequence[int], count: int) -> list[Side]:
    """Return the processes over `count` images: predict, compute features, look them up."""
    folders = [str(place / "images" / str(each)) for each in steps if each <= count]
    store = place / f"store-{count}"
    program = (
        f"from benchmarks.growth import extract_features; extract_features{(network, str(store), *folders)!r}"
    )
    features = (sys.executable, "-c", program)
    return [
        Side(f"predict-{count}", (sys.executable, "-m", "hilum", "predict", "--csv", str(run), *folders)),
        Side(f"features-{count}", features, before=lambda: rmtree(store, ignore_errors=True)),
        Side(f"cached-{count}", features),
    ]


def extract_features(network: str, store: str, *folders: str) -> None:
    """Compute and store the features of all images in `folders`, or look them up."""
    backbone = open_backbone(BackboneSettings(name=network, weights=weights_of(network)))
    with FeatureStore.open(Path(store)) as opened:
        found = extract(find_images(folders), Preprocessing(backbone.size), backbone, opened)
    if found.failures:
        raise BenchmarkError(next(iter(found.failures.values())))


def growth_row(work: str, count: int, used: dict[str, list[Usage]], place: Path) -> dict[str, str]:
    """Return the row of the table."""
    few, many = used[f"{work}-{_FEW}"], used[f"{work}-{count}"]
    image = [(b.seconds - a.seconds) / (count - _FEW) for a, b in zip(few, many, strict=True)]
    stored = "" if work == "predict" else f"{disk_bytes(place / f'store-{count}') / 1e6:,.0f}"
    return {
        "Work": work,
        "Images": f"{count:,}",
        "Seconds": Spread.of(turn.seconds for turn in many).text(),
        "ms an image": Spread.of(image).text(2, 1e3),
        "Peak MB": Spread.of(turn.peak_bytes for turn in many).text(0, 1e-6),
        "Store MB": stored,
    }


def disk_bytes(folder: Path) -> int:
    """Return what a folder occupies on disk: the file of a store is sparse."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
