"""All probes, hilum's own and those that other packages bring."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from hilum.audit.probe import Probe
from hilum.audit.probes import OWN
from hilum.errors import AuditError

__all__ = ["ENTRY_POINTS", "probes"]

ENTRY_POINTS = "hilum.probes"
"""Group of entry points under which an installed package offers a `Probe`."""


@cache
def probes() -> dict[str, Probe]:
    """All probes by name, in the order in which they are asked.

    Raises
    ------
    AuditError
        If an entry point gives something else than a probe, or takes a name that is taken.

    """
    known = {probe.name: probe for probe in OWN}
    for point in entry_points(group=ENTRY_POINTS):
        probe = point.load()
        if not isinstance(probe, Probe) or probe.name in known:
            raise AuditError(
                f"the entry point {point.name!r} of {ENTRY_POINTS} cannot be used",
                expected="a hilum.audit.Probe with a name of its own",
                found=getattr(probe, "name", type(probe).__name__),
            )
        known[probe.name] = probe
    return known
