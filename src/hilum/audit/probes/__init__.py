"""hilum's own probes, one file each."""

from __future__ import annotations

from hilum.audit.probe import Probe
from hilum.audit.probes import (
    calibration,
    external,
    frame,
    header,
    histogram,
    labels,
    left_out,
    middle,
    patients,
    permuted,
    source,
    splits,
    subgroups,
    swap,
    thumbnail,
)

__all__ = ["OWN"]

OWN: tuple[Probe, ...] = (
    source.PROBE,
    header.PROBE,
    patients.PROBE,
    frame.PROBE,
    middle.PROBE,
    thumbnail.PROBE,
    histogram.PROBE,
    swap.PROBE,
    left_out.PROBE,
    external.PROBE,
    subgroups.PROBE,
    calibration.PROBE,
    splits.PROBE,
    labels.PROBE,
    permuted.PROBE,
)
"""In the order in which they are asked: what costs nothing first."""
