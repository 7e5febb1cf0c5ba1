"""How much of its rate the engine keeps while something else takes a core.

``python benchmarks/busy.py [--backbone efficientnet_lite0 vgg16] [--turns 5]`` measures in turn: features a
second with the machine to itself, and with one process that never stops beside it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from statistics import median

import numpy as np

from hilum.backbone import EMBEDDED, OpenVinoEngine, open_backbone
from hilum.recipe.settings import BackboneSettings

_SECONDS = 3.0
_SPIN = "while True: pass"


def rate(engine: OpenVinoEngine, side: int) -> float:
    """Return images a second, over some seconds."""
    square = np.random.default_rng(0).random((side, side), np.float32)
    began = time.perf_counter()

    def squares():
        while time.perf_counter() - began < _SECONDS:
            yield square

    done = sum(1 for _ in engine.run(squares()))
    return done / (time.perf_counter() - began)


def measure(name: str, turns: int) -> str:
    """Measure a network, alone and beside the other process, in turn."""
    backbone = open_backbone(
        BackboneSettings(name=name, weights="imagenet" if name == EMBEDDED else "random")
    )
    engine = OpenVinoEngine(backbone)
    rate(engine, backbone.size)  # which compiles it
    alone, beside = [], []
    for _ in range(turns):
        alone.append(rate(engine, backbone.size))
        other = subprocess.Popen([sys.executable, "-c", _SPIN])
        try:
            beside.append(rate(engine, backbone.size))
        finally:
            other.kill()
            other.wait()
    shares = [two / one for one, two in zip(alone, beside, strict=True)]
    return (
        f"{name}: alone {median(alone):.1f} images/s, beside a busy process {median(beside):.1f}:"
        f" {median(shares):.0%} ({min(shares):.0%}–{max(shares):.0%})"
    )


def main() -> None:
    """Measure each network that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", nargs="+", default=[EMBEDDED, "vgg16"])
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    for name in options.backbone:
        sys.stdout.write(measure(name, options.turns) + "\n")


if __name__ == "__main__":
    main()
