"""Numbers as people read them: with a unit, sensible digits, and never "nan"."""

from __future__ import annotations

import math

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
    "share",
    "value",
]

MISSING = "–"
"""Stands where a figure is not defined."""

THIN = "\N{NARROW NO-BREAK SPACE}"
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
    if not math.isfinite(number):
        return MISSING
    return f"{_digits(metric, number)}{THIN}%" if _in_percent(metric) else _digits(metric, number)


def interval(metric: str, figure: Estimate) -> str:
    """Bounds of a figure's interval, the unit once.

    >>> interval("accuracy", Estimate(54 / 55, 0.90393, 0.99678, 55))
    '90.4–99.7\u202f%'
    """
    if not (math.isfinite(figure.low) and math.isfinite(figure.high)):
        return MISSING
    unit = f"{THIN}%" if _in_percent(metric) else ""
    return f"{_digits(metric, figure.low)}–{_digits(metric, figure.high)}{unit}"


def estimate(metric: str, figure: Estimate) -> str:
    """A figure with its interval, on one line.

    >>> estimate("roc_auc", Estimate(0.99, 0.97, 1.0, 55))
    '0.990 (95\u202f% interval 0.970–1.000)'
    """
    bounds = interval(metric, figure)
    shown = value(metric, figure.value)
    return shown if bounds == MISSING else f"{shown} (95{THIN}% interval {bounds})"


def _in_percent(metric: str) -> bool:
    return base_of(metric) in PROPORTIONS


def _digits(metric: str, number: float) -> str:
    return f"{100 * number:.1f}" if _in_percent(metric) else f"{number:.3f}"


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

    >>> share(0.6), share(float("nan"))
    ('60.0\u202f%', '–')
    """
    return f"{100 * number:.1f}{THIN}%" if math.isfinite(number) else MISSING


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
