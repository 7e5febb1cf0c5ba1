"""hilum's own probes, one file each."""

from __future__ import annotations

from hilum.auditing.probe import Probe
from hilum.auditing.probes import ablations, leakage, metadata, region_swap, reliability, transfer

__all__ = ["OWN"]


OWN: tuple[Probe, ...] = (
    metadata.SOURCE,
    metadata.HEADER,
    leakage.PATIENTS,
    ablations.BORDER,
    ablations.LUNG_REGION,
    ablations.THUMBNAIL,
    ablations.HISTOGRAM,
    region_swap.REGION_SWAP,
    transfer.LEFT_OUT,
    transfer.EXTERNAL,
    reliability.SUBGROUPS,
    reliability.CALIBRATION,
    leakage.RANDOM_SPLITS,
    reliability.LABELS,
    leakage.SHUFFLED_LABELS,
)
"""In the order in which they are asked: what costs nothing first."""
