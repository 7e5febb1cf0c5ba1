"""How many synthetic radiographs a second: ``python benchmarks/phantom.py [images] [pixels]``."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from hilum.cohort.phantom import PhantomCohort, Shortcut, ShortcutKind, write


def main(images: int = 100, pixels: int = 512) -> None:
    """Write a cohort of `images` square images, on one core, and print the rate."""
    one_size = (Shortcut(ShortcutKind.RESOLUTION, strength=0, rate=0),)
    design = PhantomCohort(images=images, size=(pixels, pixels), shortcuts=one_size)
    with tempfile.TemporaryDirectory() as parent:
        write(PhantomCohort(images=2), Path(parent) / "warm-up")
        began, busy = time.perf_counter(), time.process_time()
        write(design, Path(parent) / "phantom")
        wall, core = time.perf_counter() - began, time.process_time() - busy
    clock, core = images / wall, images / core
    sys.stdout.write(f"{clock:.1f} images/s by the clock, {core:.1f} per second of one core, {pixels} px\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
