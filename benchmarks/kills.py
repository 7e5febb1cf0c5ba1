"""Kill `hilum train` at random moments; the next call must complete, and equal an unbroken run.

    python benchmarks/kills.py --times 20 --recipe demo --data data

Prints one line a kill and exits with 1 if any result differs.
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--recipe", default="demo")
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return campaign(options, Path(folder))


def campaign(options: argparse.Namespace, folder: Path) -> int:
    """Make one unbroken run, then kill and complete others."""
    start = time.perf_counter()
    subprocess.run(**call(options, folder / "unbroken", folder / "cache"), check=True)
    whole = time.perf_counter() - start
    print(f"unbroken: {whole:.1f} s")
    moments = random.Random(options.seed)
    bad = 0
    for number in range(options.times):
        out, cache = folder / f"run{number}", folder / f"cache{number}"
        moment = moments.uniform(0, whole)
        killed = kill_after(moment, call(options, out, cache))
        if killed and not out.exists():  # else the kill came after the last file
            subprocess.run(**call(options, out, cache), check=True)
        different = [name for name in SAME if not equal(folder / "unbroken" / name, out / name)]
        left = [entry.name for entry in folder.glob(".run*")]
        bad += bool(different or left)
        print(
            f"{number + 1:3}: {'killed' if killed else 'done'} at {moment:5.1f} s; "
            f"{'equal' if not different else 'DIFFERENT: ' + ', '.join(different)}{' LEFT ' if left else ''}",
            flush=True,
        )
        shutil.rmtree(cache)
    print(f"{options.times - bad} of {options.times} equal the unbroken run")
    return int(bad > 0)


def call(options: argparse.Namespace, out: Path, cache: Path) -> dict[str, object]:
    """Return the arguments of a process that trains into `out`."""
    words = ["train", options.recipe, "--data", str(options.data), "--backbone", options.backbone]
    return {
        "args": [sys.executable, "-m", "hilum", *words, "--out", str(out)],
        "env": {**os.environ, "HILUM_CACHE": str(cache)},
        "stdout": subprocess.DEVNULL,
    }


def kill_after(seconds: float, process: dict[str, object]) -> bool:
    """Start a process and kill it after `seconds`; tell whether it was still running."""
    running = subprocess.Popen(**process)
    try:
        running.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        running.send_signal(signal.SIGKILL)
        running.wait()
        return True
    return False


def equal(one: Path, other: Path) -> bool:
    """Tell whether two files hold the same bytes."""
    return other.is_file() and one.read_bytes() == other.read_bytes()


if __name__ == "__main__":
    sys.exit(main())
