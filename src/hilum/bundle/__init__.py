"""Bundles: the part of a run that is deployed.

Loading and predicting need no torch, and nothing is unpickled.
"""

from __future__ import annotations

from hilum.bundle.bundle import Bundle
from hilum.bundle.manifest import INTENDED_USE, Manifest

__all__ = ["INTENDED_USE", "Bundle", "Manifest"]
