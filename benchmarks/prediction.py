"""Images a second over a folder, with torchxrayvision as in its README and with ``hilum predict``.

Whole processes take turns on the CPU, each over a few images and over many. The steady rate is computed from
the difference; the whole rate includes the start of the process. Networks have random weights, except the
embedded one.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.baseline import TORCHXRAYVISION
from benchmarks.inputs import link, make_model, sample
from benchmarks.measuring import (
    FAILED,
    BenchmarkError,
    Results,
    Side,
    Spread,
    Usage,
    arguments,
    ratio,
    take_turns,
)
from hilum.backbone.openvino_runtime import precisions

NETWORKS = ("densenet121", "efficientnet_lite0", "vgg16", "resnet50")
GOAL = 4
SAME = "densenet121"  # the network that torchxrayvision runs
FEW = 10  # times fewer images in the short run


@dataclass(frozen=True)
class Runner:
    """A command that predicts the folder put between its `command` and its `suffix`."""

    name: str
    network: str
    precision: str
    command: tuple[str, ...]
    suffix: tuple[str, ...] = ()

    def over(self, folder: Path) -> Side:
        """Return the side that predicts `folder`."""
        return Side(f"{self.name}-{folder.name}", (*self.command, str(folder), *self.suffix))


def main() -> None:
    """Measure, and print the table."""
    parser = arguments(__doc__, data=True, backbones=NETWORKS)
    parser.add_argument("--images", type=int, default=200, help="images of the long run [200]")
    parser.add_argument("--turns", type=int, default=3, help="runs of each side [3]")
    parser.add_argument("--python", type=Path, help="interpreter with torchxrayvision [one is made]")
    options = parser.parse_args()
    results = Results("prediction", options.out)
    files = sample(options.data, options.images)
    few = max(1, len(files) // FEW)
    with tempfile.TemporaryDirectory(prefix="hilum-bench-") as scratch:
        folder = Path(scratch)
        short = link(files[:: len(files) // few][:few], folder / "few")
        long = link(files, folder / "many")
        runners = [*theirs(options.python, folder, results), *ours(options.backbone, folder, results)]
        sides = [runner.over(place) for place in (short, long) for runner in runners]
        used = take_turns(sides, options.turns, results)
    show(runners, used, few, len(files), results)


def theirs(python: Path | None, folder: Path, results: Results) -> list[Runner]:
    """Return torchxrayvision's side; none where its environment cannot be made."""
    try:
        interpreter = TORCHXRAYVISION.interpreter(python)
    except BenchmarkError as error:
        results.add(f"torchxrayvision is not measured: {error}", side="torchxrayvision", error=str(error))
        return []
    command = (str(interpreter), str(TORCHXRAYVISION.script))
    return [Runner("torchxrayvision", SAME, "float32", command, (str(folder / "torchxrayvision.csv"),))]


def ours(networks: Sequence[str], folder: Path, results: Results) -> list[Runner]:
    """Return hilum's side for each network and precision, with a model of its own."""
    runners = []
    for network in networks:
        for precision in precisions():
            run = make_model(network, precision, folder, results)
            command = (sys.executable, "-m", "hilum", "predict", "--csv", str(run))
            runners.append(Runner(f"hilum-{network}-{precision}", network, precision, command))
    return runners


def steady(few: int, few_seconds: float, many: int, many_seconds: float) -> float:
    """Return images a second without the start of the process; NaN where the long run took no longer.

    Examples
    --------
    >>> steady(10, 3.0, 110, 8.0), steady(10, 3.0, 110, 2.9)
    (20.0, nan)
    """
    more = many_seconds - few_seconds
    return (many - few) / more if many > few and more > 0 else math.nan


def show(
    runners: Sequence[Runner], used: dict[str, list[Usage]], few: int, many: int, results: Results
) -> None:
    """Print the table of rates, beside torchxrayvision's for the same network."""
    failed = [FAILED] * max(map(len, used.values()))
    rates = {name: _rates(name, used, few, many) for name in (runner.name for runner in runners)}
    whole, lasting = rates.get("torchxrayvision", ([one.seconds for one in failed],) * 2)
    rows = []
    for runner in runners:
        own_whole, own_lasting = rates[runner.name]
        compared = runner.network == SAME and runner.name != "torchxrayvision"
        rows.append(
            {
                "Side": runner.name,
                "Precision": runner.precision,
                "Steady images/s": Spread.of(own_lasting).text(),
                "Faster": ratio(own_lasting, lasting).text() if compared else "",
                "Whole images/s": Spread.of(own_whole).text(),
                "Faster ": ratio(own_whole, whole).text() if compared else "",
                "Goal": str(GOAL) if compared else "",
                "Peak MB": Spread.of(one.peak_bytes for one in used[f"{runner.name}-many"]).text(0, 1e-6),
            }
        )
    remarks = [
        "Median of the turns (smallest–largest). Faster: over torchxrayvision's rate, for the same network.",
        f"Whole: {many} images, start of the process included. Steady: from {few} to {many} images.",
    ]
    if any(math.isnan(rate) for _, lasting in rates.values() for rate in lasting):
        remarks.append(
            "A turn has no steady rate where the long run took no longer than the short one, or failed:"
            " the images are too few or the machine was busy. Take more with --images."
        )
    results.table(f"Prediction, {many} JPEG and PNG files", rows, remarks)


def _rates(name: str, used: dict[str, list[Usage]], few: int, many: int) -> tuple[list[float], list[float]]:
    """Return the whole and the steady rate of each turn."""
    short, long = used[f"{name}-few"], used[f"{name}-many"]
    whole = [many / turn.seconds for turn in long]
    return whole, [steady(few, a.seconds, many, b.seconds) for a, b in zip(short, long, strict=True)]


if __name__ == "__main__":
    main()
