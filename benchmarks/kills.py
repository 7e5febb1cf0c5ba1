"""Kill ``hilum train`` at random moments: the next call must complete and equal an uninterrupted run.

Prints a line per kill, and exits with 1 if any result differs.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measuring import Results, arguments

SAME = (
    "recipe.yaml",
    "cohort.parquet",
    "predictions.csv",
    "metrics.json",
    "history.csv",
    "model/head.safetensors",
    "model/graph.bin",
    "model/bundle.json",
)


def main() -> int:
    """Run the experiment that the module describes."""
    parser = arguments(__doc__, data=True)
    parser.add_argument("--times", type=int, default=20, help="kills [20]")
    parser.add_argument("--recipe", default="demo", help="[demo]")
    parser.add_argument("--backbone", default="efficientnet_lite0", help="[efficientnet_lite0]")
    parser.add_argument("--seed", type=int, default=0, help="of the moments [0]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return campaign(options, Path(folder), Results("kills", options.out))


def campaign(options: argparse.Namespace, folder: Path, results: Results) -> int:
    """Make one uninterrupted run, then kill and complete others."""
    whole = folder / "uninterrupted"
    start = time.perf_counter()
    subprocess.run(**call(options, whole, folder / "cache"), check=True)
    seconds = time.perf_counter() - start
    results.add(f"uninterrupted: {seconds:.1f} s", seconds=seconds)
    moments = random.Random(options.seed)
    bad = 0
    for number in range(options.times):
        out, cache = folder / f"run{number}", folder / f"cache{number}"
        moment = moments.uniform(0, seconds)
        killed = kill_after(moment, call(options, out, cache))
        if killed and not out.exists():  # else the kill came after the last file
            subprocess.run(**call(options, out, cache), check=True)
        different = [name for name in SAME if not equal(whole / name, out / name)]
        left = [entry.name for entry in folder.glob(".run*")]
        bad += bool(different or left)
        verdict = "equal" if not different else f"DIFFERENT: {', '.join(different)}"
        results.add(
            f"{number + 1:3}: {'killed' if killed else 'done'} at {moment:5.1f} s; {verdict}"
            f"{'; temporary files LEFT' if left else ''}",
            moment=moment,
            different=different,
            left=left,
        )
        shutil.rmtree(cache)
    results.add(f"{options.times - bad} of {options.times} equal the uninterrupted run", bad=bad)
    return int(bad > 0)


def call(options: argparse.Namespace, out: Path, cache: Path) -> dict[str, Any]:
    """Return the arguments of a process that trains into `out`."""
    words = ["train", options.recipe, "--data", str(options.data), "--backbone", options.backbone]
    return {
        "args": [sys.executable, "-m", "hilum", *words, "--out", str(out)],
        "env": {**os.environ, "HILUM_CACHE": str(cache)},
        "stdout": subprocess.DEVNULL,
    }


def kill_after(seconds: float, process: dict[str, Any]) -> bool:
    """Start a process and kill it after `seconds`; return whether it was still running."""
    running = subprocess.Popen(**process)
    try:
        running.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        running.send_signal(signal.SIGKILL)
        running.wait()
        return True
    return False


def equal(one: Path, other: Path) -> bool:
    """Return whether two files have the same bytes."""
    return other.is_file() and one.read_bytes() == other.read_bytes()


if __name__ == "__main__":
    sys.exit(main())
