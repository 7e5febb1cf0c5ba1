"""How reliably copies of images are found among real images, and what else is taken for a copy.

First the images that darkcovidnet took from cohen, known by their names; then copies made here by resizing,
cropping, encoding and so on. Pairs that are called copies and are not known to be are listed, to be looked
at.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from benchmarks.measuring import Results, arguments
from hilum.backbone import FeatureStore, extract, open_backbone
from hilum.cohort.duplicates import find_copies
from hilum.errors import RadiographError
from hilum.radiograph import Preprocessing, read
from hilum.recipe.settings import BackboneSettings

Change = Callable[[Image.Image], Image.Image]


def resized(factor: float) -> Change:
    """Resize both sides."""
    return lambda image: image.resize((round(image.width * factor), round(image.height * factor)))


def cropped(share: float) -> Change:
    """Crop a share off each side."""
    return lambda image: ImageOps.crop(image, round(share * min(image.size)))


def graded(gamma: float) -> Change:
    """Change the gamma."""
    return lambda image: image.point([round(255 * (level / 255) ** gamma) for level in range(256)])


def contrasted(factor: float) -> Change:
    """Change the contrast around mid-gray; values outside the range are clipped."""
    return lambda image: image.point(
        [round(min(max(factor * (level - 128) + 128, 0), 255)) for level in range(256)]
    )


def encoded(quality: int) -> Change:
    """Encode as JPEG."""

    def change(image: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(io.BytesIO(buffer.getvalue()))

    return change


CHANGES: dict[str, tuple[Change, ...]] = {
    "resized to 50 %": (resized(0.5),),
    "resized to 70 %": (resized(0.7),),
    "JPEG quality 30": (encoded(30),),
    "cropped 5 %": (cropped(0.05),),
    "cropped 10 %": (cropped(0.10),),
    "cropped 15 %": (cropped(0.15),),
    "gamma 0.7": (graded(0.7),),
    "gamma 1.4": (graded(1.4),),
    "contrast 0.6": (contrasted(0.6),),
    "contrast 1.4": (contrasted(1.4),),
    "mirrored": (ImageOps.mirror,),
    "mirrored, cropped 10 %": (ImageOps.mirror, cropped(0.1)),
    "50 %, cropped 5 %, JPEG 30": (resized(0.5), cropped(0.05), encoded(30)),
    "cropped 10 %, gamma 1.4, JPEG 50": (cropped(0.1), graded(1.4), encoded(50)),
}


def features(paths: Sequence[Path]) -> np.ndarray:
    """Features of the embedded backbone, cached."""
    backbone = open_backbone(BackboneSettings())
    with FeatureStore.open() as store:
        return extract(paths, Preprocessing(backbone.size), backbone, store).values


def taken(data: Path, results: Results) -> None:
    """Search for the images that darkcovidnet took from cohen."""
    theirs = sorted((data / "darkcovidnet/X-Ray Image DataSet").rglob("*.*"))
    own = sorted((data / "cohen/images").iterdir())
    known = {(a, b) for a in theirs for b in own if a.name == b.name}
    values = features(theirs), features(own)
    began, used = time.perf_counter(), time.process_time()
    pairs = find_copies(theirs, values[0], own, values[1]).pairs
    clock, used = time.perf_counter() - began, time.process_time() - used
    found = {(theirs[a], own[b]) for a, b in zip(pairs["image"], pairs["other"], strict=True)}
    results.add(
        f"darkcovidnet ({len(theirs)}) against cohen ({len(own)}):"
        f" {len(known & found)} of {len(known)} found; {clock:.0f} s, {used:.0f} s of processor time",
        found=len(known & found),
        known=len(known),
        seconds=clock,
    )
    for a, b in sorted(found - known):
        results.say(f"  under another name: {a.name}  {b.name}")


def made(data: Path, count: int, results: Results) -> None:
    """Search for copies made of `count` images per collection."""
    rng = np.random.default_rng(0)
    folders = ("kermany/chest_xray", "cohen/images", "darkcovidnet/X-Ray Image DataSet/No_findings")
    lists = [sorted((data / folder).rglob("*.*")) for folder in folders]
    originals = [path for paths in lists for path in rng.permutation(np.array(paths, object))[:count]]
    with tempfile.TemporaryDirectory() as folder:
        copies: list[Path] = []
        sources, names = [], []
        for row, path in enumerate(originals):
            for name, changes in CHANGES.items():
                copy = write(path, Path(folder) / f"{len(copies)}.png", changes)
                if copy is not None:
                    copies.append(copy)
                    sources.append(row)
                    names.append(name)
        pairs = find_copies(copies, features(copies), originals, features(originals)).pairs
    hits = {(a, b) for a, b in zip(pairs["image"], pairs["other"], strict=True)}
    for name in CHANGES:
        rows = [row for row, one in enumerate(names) if one == name]
        found = sum((row, sources[row]) in hits for row in rows)
        results.add(f"{name:34} {found} of {len(rows)}", change=name, found=found, copies=len(rows))
    wrong = {(originals[sources[a]].name, originals[b].name) for a, b in hits if sources[a] != b}
    right = sum(sources[a] == b for a, b in hits)
    results.add(f"{right} of {len(hits)} pairs are correct; the others:", correct=right, pairs=len(hits))
    for pair in sorted(wrong):
        results.say(f"  {pair[0]}  {pair[1]}")


def write(path: Path, copy: Path, changes: Sequence[Change]) -> Path | None:
    """Write a changed copy; None where the image cannot be read."""
    try:
        image = Image.fromarray(np.rint(read(path).pixels * 255).astype(np.uint8))
    except RadiographError:
        return None
    for change in changes:
        image = change(image)
    image.save(copy, compress_level=1)
    return copy


def main() -> None:
    """Make both searches."""
    parser = arguments(__doc__, data=True)
    parser.add_argument("--images", type=int, default=20, help="images per collection that are copied [20]")
    options = parser.parse_args()
    results = Results("copies", options.out)
    taken(options.data, results)
    made(options.data, options.images, results)


if __name__ == "__main__":
    main()
