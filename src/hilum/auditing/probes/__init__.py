"""The probes by family, and the order in which the audit runs them."""

from __future__ import annotations

from hilum.auditing.probe import Probe
from hilum.auditing.probes import ablations, direct, leakage, metadata, reliability, transfer

__all__ = ["PROBES"]

PROBES: tuple[Probe, ...] = (
    metadata.SOURCE,
    metadata.HEADER,
    leakage.PATIENTS,
    ablations.BORDER,
    ablations.LUNGS_REMOVED,
    ablations.THUMBNAIL,
    ablations.HISTOGRAM,
    direct.DIRECT_ABLATION,
    direct.REGION_SWAP,
    transfer.LEFT_OUT,
    transfer.EXTERNAL,
    reliability.SUBGROUPS,
    reliability.CALIBRATION,
    leakage.RANDOM_SPLITS,
    reliability.LABELS,
    leakage.SHUFFLED_LABELS,
)
