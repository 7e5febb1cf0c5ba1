"""What runs a network, and in which numbers: the names."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["EngineKind", "Precision"]


class Precision(StrEnum):
    """The numbers that a network's layers are computed in."""

    FLOAT32 = "float32"
    """24 bits of significand."""
    BFLOAT16 = "bfloat16"
    """8 bits; the exponents of float32."""
    FLOAT16 = "float16"
    """11 bits; up to 65,504."""


class EngineKind(StrEnum):
    """What runs a network."""

    AUTO = "auto"
    """PyTorch where there is an accelerator, else OpenVINO."""
    OPENVINO = "openvino"
    """On the CPU."""
    TORCH = "torch"
    """On the accelerator, or the CPU where there is none."""
