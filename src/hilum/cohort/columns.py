"""The types of a table's columns, a function of their content alone.

A CSV file holds text without types. So that a table comes back from it exactly as it went in, every
column gets the type that its text implies, on the way in as on the way out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable

import pandas as pd

from hilum.errors import CohortError

__all__ = ["KINDS", "typed"]

KINDS: dict[str, str] = {
    **dict.fromkeys(
        ("image", "label", "patient", "source", "view", "projection", "sex", "split", "finding"), "str"
    ),
    **dict.fromkeys(("modality", "location", "date", "sha256", "format", "mode"), "str"),
    **dict.fromkeys(("manufacturer", "model", "detector"), "str"),
    "age": "float64",
    **dict.fromkeys(("rows", "columns", "bits", "bytes"), "Int64"),
}
"""Columns whose type is fixed; any other gets what its values imply."""

_WHOLE = re.compile(r"0|-?[1-9]\d{0,14}")


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Give every column its type: `KINDS`, or what all its values, written out, imply.

    Only values that print back to the same text become numbers: ``007`` and ``1.50`` stay text. Empty text is
    a missing value.

    Parameters
    ----------
    table : DataFrame

    Returns
    -------
    DataFrame
        A copy with columns of dtype ``str``, ``Int64``, ``float64`` or ``boolean``, and a plain index.

    Raises
    ------
    CohortError
        If a column of `KINDS` holds something else.

    Examples
    --------
    >>> table = typed(pd.DataFrame({"kv": ["80", "110"], "ward": ["007", ""], "dose": [0.5, 1.0]}))
    >>> [str(dtype) for dtype in table.dtypes]
    ['Int64', 'str', 'float64']
    """
    columns = {name: _typed(table[name], name) for name in table.columns}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(table)), columns=table.columns)


def _typed(column: pd.Series, name: Hashable) -> pd.Series:
    kind = KINDS.get(str(name))
    if kind == "str" and column.dtype == "str":
        return column.mask(column == "").reset_index(drop=True)
    if kind is None and column.dtype == "float64" and column.notna().any():
        return column.reset_index(drop=True)
    written = [_written(value) for value in column.tolist()]
    kind = kind or _implied([text for text in written if text is not None])
    try:
        return pd.Series(_parsed(written, kind), dtype=kind)
    except ValueError:
        raise CohortError(
            f"the column {name!r} holds no numbers", expected=kind, found=_culprit(written, kind)
        ) from None


def _written(value: object) -> str | None:
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value) or None


def _implied(texts: list[str]) -> str:
    if texts and all(text in {"True", "False"} for text in texts):
        return "boolean"
    whole = [bool(_WHOLE.fullmatch(text)) for text in texts]
    if texts and all(whole):
        return "Int64"
    if texts and all(w or _is_float(text) for w, text in zip(whole, texts, strict=True)):
        return "float64"
    return "str"


def _is_float(text: str) -> bool:
    try:
        return str(float(text)) == text and text != "nan"
    except ValueError:
        return False


def _parsed(written: list[str | None], kind: str) -> list[object]:
    parsers: dict[str, Callable[[str], object]] = {
        "str": str,
        "boolean": "True".__eq__,
        "Int64": _whole,
        "float64": float,
    }
    parse = parsers[kind]
    return [None if text is None else parse(text) for text in written]


def _whole(text: str) -> int:
    number = float(text)
    if not number.is_integer():
        raise ValueError(text)
    return int(number)


def _culprit(written: list[str | None], kind: str) -> str:
    for row, text in enumerate(written):
        try:
            _parsed([text], kind)
        except ValueError:
            return f"{text!r} in row {row}"
    return "mixed values"
