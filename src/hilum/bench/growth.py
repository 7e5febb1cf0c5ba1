"""How time an image and memory grow with the number of images."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from hilum.backbone import EMBEDDED, FeatureStore, cache_folder, extract, open_backbone
from hilum.bench.models import make_model, weights_of
from hilum.bench.process import Usage
from hilum.bench.sample import multiply, sample
from hilum.bench.spread import Spread
from hilum.bench.turns import Side, take_turns
from hilum.errors import BenchError
from hilum.phantom import PhantomCohort, Shortcut, ShortcutKind, write
from hilum.progress import SILENT, Progress
from hilum.radiograph import Preprocessing, find_images
from hilum.recipe.settings import BackboneSettings, Precision

__all__ = ["COUNTS", "Growth", "bench_growth", "extract_features"]


COUNTS = (1_000, 10_000, 100_000)
_DRAWN = 200  # synthetic radiographs, used again and again with other bytes
_SIDE = 256
_WORK = ("predict", "features", "cached")
_FEW = 10  # images of a run that shows what a process's start takes


@dataclass(frozen=True)
class Growth:
    """What one kind of work took on so many images.

    Parameters
    ----------
    work : {"predict", "features", "cached"}
        ``hilum predict``; features computed and stored; features looked up.
    images : int
    seconds : Spread
        Of the whole process.
    image_seconds : Spread
        An image, the start of the process not included; 0 where it drowns in how long that start varies.
    peak_bytes : Spread
    stored_bytes : int
        Size of the feature store afterwards; 0 for ``predict``.
    """

    work: str
    images: int
    seconds: Spread
    image_seconds: Spread
    peak_bytes: Spread
    stored_bytes: int


def extract_features(network: str, store: str, *folders: str) -> None:
    """Compute and store the features of all images in folders, or look them up: what is measured."""
    backbone = open_backbone(BackboneSettings(name=network, weights=weights_of(network)))
    with FeatureStore.open(Path(store)) as opened:
        found = extract(find_images(folders), Preprocessing(backbone.size), backbone, opened)
    if found.failures:
        raise next(iter(found.failures.values()))


def bench_growth(
    counts: Sequence[int] = COUNTS,
    *,
    network: str = EMBEDDED,
    data: Path | None = None,
    scratch: Path | None = None,
    turns: int = 1,
    progress: Progress = SILENT,
) -> list[Growth]:
    """Predict, compute features, and look them up, for each number of images, in turn.

    Parameters
    ----------
    counts : sequence of int
    network : str
    data : Path, optional
        Folder of images to use again and again with other bytes; synthetic radiographs otherwise.
    scratch : Path, optional
        Where the files are written, and removed afterwards; the system's temporary folder otherwise.
    turns : int
    progress : Progress

    Raises
    ------
    BenchError
        If a side fails, or the disk has too little room.
    """
    ordered = sorted(set(counts))
    if not ordered or ordered[0] <= _FEW:
        raise BenchError("too few images to tell a rate", expected=f"more than {_FEW}")
    with tempfile.TemporaryDirectory(prefix="hilum-bench-", dir=scratch) as folder:
        place = Path(folder)
        steps = [_FEW, *ordered]
        multiply(_pictures(data, place, progress), steps, place / "images", progress)
        run = make_model(network, Precision.FLOAT32, place / "models", progress)
        sides = [side for count in steps for side in _sides(network, place, run, steps, count)]
        logs = cache_folder() / "bench" / "logs"
        used = take_turns(sides, turns, logs, progress)
        return [
            _grown(work, count, used, _size(_store(place, count)) if work != "predict" else 0)
            for work in _WORK
            for count in ordered
        ]


def _pictures(data: Path | None, place: Path, progress: Progress) -> list[Path]:
    if data is not None:
        return sample(data, _DRAWN)
    one_size = (Shortcut(ShortcutKind.RESOLUTION, strength=0, rate=0),)
    design = PhantomCohort(images=_DRAWN, size=(_SIDE, _SIDE), shortcuts=one_size)
    write(design, place / "phantom", progress)
    return sorted((place / "phantom").glob("*.png"))


def _store(place: Path, count: int) -> Path:
    return place / f"store-{count}"


def _sides(network: str, place: Path, run: Path, steps: list[int], count: int) -> list[Side]:
    folders = [str(place / "images" / str(each)) for each in steps if each <= count]
    store = _store(place, count)
    given = (network, str(store), *folders)
    program = f"from hilum.bench.growth import extract_features; extract_features(*{given!r})"
    features = (sys.executable, "-c", program)
    return [
        Side(f"predict-{count}", (sys.executable, "-m", "hilum", "predict", "--csv", str(run), *folders)),
        Side(f"features-{count}", features, before=lambda: rmtree(store, ignore_errors=True)),
        Side(f"cached-{count}", features),
    ]


def _size(folder: Path) -> int:
    """Return what a folder takes on the disk: a store's file is long, and mostly empty."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def _grown(work: str, count: int, used: dict[str, list[Usage]], stored: int) -> Growth:
    few, many = used[f"{work}-{_FEW}"], used[f"{work}-{count}"]
    more = [other.seconds - one.seconds for one, other in zip(few, many, strict=True)]
    return Growth(
        work=work,
        images=count,
        seconds=Spread.of([turn.seconds for turn in many]),
        image_seconds=Spread.of([max(0.0, seconds) / (count - _FEW) for seconds in more]),
        peak_bytes=Spread.of([turn.peak_bytes for turn in many]),
        stored_bytes=stored,
    )
