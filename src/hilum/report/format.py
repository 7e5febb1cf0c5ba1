"""Numbers as people read them: with a unit, sensible digits, and never "nan"."""

from __future__ import annotations

import math

from hilum.audit import Scale
from hilum.evaluate import METRICS, Estimate

__all__ = [
    "MISSING",
    "THIN",
    "amount",
    "base_of",
    "count",
    "duration",
    "estimate",
    "interval",
    "plural",
    "scaled",
    "scaled_interval",
    "share",
    "value",
]

MISSING = "–"
"""Stands where a figure is not defined."""

THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
PROPORTIONS = frozenset({"accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv"})


def base_of(metric: str) -> str:
    """Name of a metric without the class that it is of.

    >>> base_of("roc_auc_covid_19"), base_of("accuracy")
    ('roc_auc', 'accuracy')
    """
    fitting = [name for name in METRICS if metric == name or metric.startswith(f"{name}_")]
    return max(fitting, key=len, default=metric)


def value(metric: str, number: float) -> str:
    """A metric's figure: a percentage with one decimal, or three decimals.

    >>> value("accuracy", 54 / 55), value("roc_auc", 1.0), value("loss", float("nan"))
    ('98.2\u202f%', '1.000', '–')
    """
    return scaled(_scale(metric), number)


def interval(metric: str, figure: Estimate) -> str:
    """Bounds of a figure's interval, the unit once.

    >>> interval("accuracy", Estimate(54 / 55, 0.90393, 0.99678, 55))
    '90.4–99.7\u202f%'
    """
    return scaled_interval(_scale(metric), figure)


def scaled(scale: Scale, number: float) -> str:
    """A figure of the audit, as its scale says.

    >>> scaled(Scale.SHARE, 0.8), scaled(Scale.AREA, -0.98765), scaled(Scale.NUMBER, 1204)
    ('80.0\u202f%', '−0.988', '1,204')
    """
    if not math.isfinite(number):
        return MISSING
    write = {Scale.SHARE: share, Scale.AREA: lambda area: _rounded(area, 3), Scale.NUMBER: amount}[scale]
    return write(number).replace("-", MINUS)


def scaled_interval(scale: Scale, figure: Estimate) -> str:
    """Bounds of its interval, the unit once.

    >>> scaled_interval(Scale.AREA, Estimate(-0.1, -0.2, 0.05, 55))
    '−0.200 to 0.050'
    """
    if not (math.isfinite(figure.low) and math.isfinite(figure.high)):
        return MISSING
    if scale is Scale.NUMBER:
        low, high, unit = amount(figure.low), amount(figure.high), ""
    else:
        factor, digits, unit = (100, 1, f"{THIN}%") if scale is Scale.SHARE else (1, 3, "")
        low, high = (_rounded(factor * bound, digits, full=factor) for bound in (figure.low, figure.high))
    if low == high and "<" in low:
        return f"{high}{unit}"
    between = "–" if figure.low >= 0 else " to "
    return f"{low}{between}{high}{unit}".replace("-", MINUS)


def estimate(metric: str, figure: Estimate) -> str:
    """A figure with its interval, on one line.

    >>> estimate("roc_auc", Estimate(0.99, 0.97, 1.0, 55))
    '0.990 (95\u202f% interval 0.970–1.000)'
    """
    bounds = interval(metric, figure)
    shown = value(metric, figure.value)
    return shown if bounds == MISSING else f"{shown} (95{THIN}% interval {bounds})"


def _scale(metric: str) -> Scale:
    return Scale.SHARE if base_of(metric) in PROPORTIONS else Scale.AREA


def _rounded(number: float, digits: int, full: float = 1.0) -> str:
    """Round, but let nothing become 0, or `full`, that is not.

    >>> _rounded(0.98765, 3), _rounded(2e-5, 3), _rounded(99.98, 1, full=100), _rounded(0.0, 3)
    ('0.988', '<0.001', '>99.9', '0.000')
    """
    text, step = f"{number:.{digits}f}", 10.0**-digits
    if number > 0 and float(text) == 0:
        return f"<{step:.{digits}f}"
    if number < full and float(text) == full:
        return f">{full - step:.{digits}f}"
    return text


def count(number: float) -> str:
    """A whole number, its thousands apart.

    >>> count(1124), count(55)
    ('1,124', '55')
    """
    return f"{int(number):,}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun.

    >>> plural(1, "image"), plural(1200, "image"), plural(2, "class", "classes")
    ('1 image', '1,200 images', '2 classes')
    """
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def share(number: float) -> str:
    """A share as a percentage with one decimal.

    >>> share(0.6), share(0.99999), share(float("nan"))
    ('60.0\u202f%', '>99.9\u202f%', '–')
    """
    return f"{_rounded(100 * number, 1, full=100)}{THIN}%" if math.isfinite(number) else MISSING


def amount(number: float) -> str:
    """A number large or small, in three significant digits or as a count.

    >>> amount(0.001), amount(14_714_688), amount(0.4999)
    ('0.001', '14,714,688', '0.5')
    """
    return count(number) if abs(number) >= 1000 else f"{number:.3g}"


def duration(seconds: float) -> str:
    """A time span in the unit that suits it.

    >>> duration(0.034), duration(12.34), duration(3725)
    ('34\u202fms', '12.3\u202fs', '1\u202fh 2\u202fmin')
    """
    if not math.isfinite(seconds):
        return MISSING
    if seconds < 0.9995:
        return f"{1000 * seconds:.0f}{THIN}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}{THIN}s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes}{THIN}min"
    return f"{minutes // 60}{THIN}h {minutes % 60}{THIN}min"
