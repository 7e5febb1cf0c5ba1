"""The share of its rate that the engine keeps while another process occupies one core.

Features a second are measured in turn with the machine to itself, and beside a process that never stops.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Results, Spread, arguments, ratio, weights_of
from hilum.backbone import EMBEDDED, OpenVinoEngine, open_backbone
from hilum.recipe.settings import BackboneSettings

_SECONDS = 3.0


def rate(engine: OpenVinoEngine, size: int) -> float:
    """Return images a second, over some seconds."""
    image = np.random.default_rng(0).random((size, size), np.float32)
    began = time.perf_counter()

    def images() -> Iterator[NDArray[np.float32]]:
        while time.perf_counter() - began < _SECONDS:
            yield image

    done = sum(1 for _ in engine.run(images()))
    return done / (time.perf_counter() - began)


def measure(name: str, turns: int, results: Results) -> None:
    """Measure a network alone and beside the other process, in turn."""
    backbone = open_backbone(BackboneSettings(name=name, weights=weights_of(name)))
    engine = OpenVinoEngine(backbone)
    rate(engine, backbone.size)  # compiles the network
    alone, beside = [], []
    for turn in range(1, turns + 1):
        alone.append(rate(engine, backbone.size))
        other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        try:
            beside.append(rate(engine, backbone.size))
        finally:
            other.kill()
            other.wait()
        line = f"{name}, turn {turn}: alone {alone[-1]:.1f} images/s, beside a busy process {beside[-1]:.1f}"
        results.add(line, network=name, alone=alone[-1], beside=beside[-1])
    results.say(f"{name}: {Spread.of(alone)} images/s alone; keeps {ratio(beside, alone).text(0, 100)} %")


def main() -> None:
    """Measure each network."""
    parser = arguments(__doc__, backbones=(EMBEDDED, "vgg16"))
    parser.add_argument("--turns", type=int, default=5, help="measurements of each [5]")
    options = parser.parse_args()
    results = Results("busy", options.out)
    for name in options.backbone:
        measure(name, options.turns, results)


if __name__ == "__main__":
    main()
