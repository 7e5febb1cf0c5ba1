"""Synthetic radiographs a second, encoded as PNG: on one core, and written to a folder on all cores."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.measuring import Results, arguments, cores, timed
from hilum.phantom import PhantomCohort, Shortcut, ShortcutKind, write
from hilum.phantom.cohort import plan
from hilum.phantom.folder import draw, encode


def one_core(design: PhantomCohort) -> float:
    """Return images per second of processor time, drawn and encoded in one thread."""
    shots = plan(design)
    began = time.process_time()
    for shot in shots:
        encode(draw(design, shot), design.bits)
    return design.images / (time.process_time() - began)


def all_cores(design: PhantomCohort) -> float:
    """Return images per second of wall-clock time, written to a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        return design.images / timed(lambda: write(design, Path(folder) / "phantom"))


def main() -> None:
    """Print both rates."""
    parser = arguments(__doc__)
    parser.add_argument("--images", type=int, default=100, help="[100]")
    parser.add_argument("--pixels", type=int, default=512, help="side of the images [512]")
    options = parser.parse_args()
    results = Results("phantom", options.out)
    one_size = (Shortcut(ShortcutKind.RESOLUTION, strength=0, rate=0),)
    design = PhantomCohort(images=options.images, size=(options.pixels, options.pixels), shortcuts=one_size)
    one_core(PhantomCohort(images=2))  # loads what is loaded once
    for where, rate in ("one core", one_core(design)), (f"{cores()} cores", all_cores(design)):
        results.add(f"{options.pixels} px, {where}: {rate:.1f} images/s", where=where, images_per_second=rate)


if __name__ == "__main__":
    main()
