"""How many synthetic radiographs a second: ``python benchmarks/phantom.py [images] [pixels]``."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from hilum.phantom import PhantomCohort, Shortcut, ShortcutKind, write
from hilum.phantom.cohort import plan
from hilum.phantom.folder import draw, encode


def one_core(design: PhantomCohort) -> float:
    """Images per second of one core's time: drawn and encoded as PNG in one thread."""
    shots = plan(design)
    began = time.process_time()
    for shot in shots:
        encode(draw(design, shot), design.bits)
    return design.images / (time.process_time() - began)


def whole_machine(design: PhantomCohort) -> float:
    """Images per second by the clock: a cohort written to a temporary folder by all cores."""
    with tempfile.TemporaryDirectory() as parent:
        began = time.perf_counter()
        write(design, Path(parent) / "phantom")
        return design.images / (time.perf_counter() - began)


def main(images: int = 100, pixels: int = 512) -> None:
    """Print both rates for `images` square images, PNG included."""
    one_size = (Shortcut(ShortcutKind.RESOLUTION, strength=0, rate=0),)
    design = PhantomCohort(images=images, size=(pixels, pixels), shortcuts=one_size)
    one_core(PhantomCohort(images=2))  # loads what is loaded once
    sys.stdout.write(f"{one_core(design):.1f} images per second of one core, {pixels} px\n")
    sys.stdout.write(f"{whole_machine(design):.1f} images/s by the clock, {os.cpu_count()} cores\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
