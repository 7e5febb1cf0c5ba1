"""A cohort as one CSV or Parquet file, and the types of its columns.

The rows in use come first, then the excluded ones: their column ``exclusion`` holds the reason (empty for a
row in use) and ``exclusion_detail`` the detail.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Literal

import pandas as pd

from hilum.errors import CohortError
from hilum.files import replacing

__all__ = ["RESERVED", "read_table", "typed", "write_table"]

RESERVED = ("exclusion", "exclusion_detail")
_EXCLUSION_COLUMNS = ["image", "source", "reason", "detail"]
_FORMATS = (".csv", ".parquet")

_DTYPES: dict[str, str] = {
    **dict.fromkeys(
        ("image", "label", "patient", "source", "view", "projection", "sex", "split", "finding"), "str"
    ),
    **dict.fromkeys(("modality", "location", "date", "sha256", "format", "mode"), "str"),
    **dict.fromkeys(("manufacturer", "model", "detector"), "str"),
    "age": "float64",
    **dict.fromkeys(("rows", "columns", "bits", "bytes"), "Int64"),
}
"""Columns with a fixed dtype; the dtype of any other follows from its values."""

_INTEGER = re.compile(r"0|-?[1-9]\d{0,14}")  # no more digits than a float holds exactly


def write_table(path: Path, table: pd.DataFrame, exclusions: pd.DataFrame) -> None:
    """Write both tables to a ``.csv`` or ``.parquet`` file, atomically."""
    suffix = _suffix(path)
    excluded = exclusions.rename(columns={"reason": RESERVED[0], "detail": RESERVED[1]})
    whole = pd.concat([table, excluded], ignore_index=True).reindex(columns=[*table.columns, *RESERVED])
    with replacing(path) as temporary:
        if suffix == ".csv":
            whole.to_csv(temporary, index=False, lineterminator="\n", quoting=_quoting(whole))
        else:
            whole.to_parquet(temporary, index=False)


def _quoting(table: pd.DataFrame) -> Literal[0, 2]:
    """Quote all text if some contains a carriage return, which pandas otherwise writes unquoted."""
    texts = [table[name] for name in table if table[name].dtype == "str"]
    returns = any(text.str.contains("\r", regex=False).any() for text in texts)
    return csv.QUOTE_NONNUMERIC if returns or any("\r" in str(name) for name in table) else csv.QUOTE_MINIMAL


def read_table(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a file that `write_table` made, or a plain table.

    The exclusions have the columns ``image, source, reason, detail``. `CohortError` is raised if the file
    is missing or cannot be read as its suffix says.
    """
    whole = _read(path)
    if RESERVED[0] not in whole:
        return whole, pd.DataFrame(columns=_EXCLUSION_COLUMNS, dtype="str")
    excluded = whole[RESERVED[0]].notna()
    table = whole[~excluded].drop(columns=list(RESERVED), errors="ignore")
    names = {RESERVED[0]: "reason", RESERVED[1]: "detail"}
    exclusions = whole[excluded].rename(columns=names).reindex(columns=_EXCLUSION_COLUMNS)
    return table.reset_index(drop=True), exclusions.reset_index(drop=True)


def _read(path: Path) -> pd.DataFrame:
    suffix = _suffix(path)
    if not path.is_file():
        raise CohortError("the cohort file does not exist", path=path)
    try:
        if suffix == ".csv":
            return pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""])
        return pd.read_parquet(path)
    except (ValueError, OSError) as error:  # pandas, pyarrow and text decoding raise subclasses of these
        found = (str(error).splitlines() or [type(error).__name__])[0]
        raise CohortError(f"not a {suffix[1:]} table", path=path, found=found) from error


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in _FORMATS:
        raise CohortError(
            "a cohort is a CSV or Parquet file",
            path=path,
            expected=" or ".join(_FORMATS),
            found=suffix or "no suffix",
        )
    return suffix


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Return a copy with a plain index whose columns are ``str``, ``Int64``, ``float64`` or ``boolean``.

    The dtype of a column without a fixed one follows from its values as text. Only values that print back
    to the same text become numbers: ``007`` and ``1.50`` stay text. Empty text is a missing value.
    `CohortError` is raised if a column with a fixed dtype holds something else.

    >>> table = typed(pd.DataFrame({"kv": ["80", "110"], "ward": ["007", ""], "dose": [0.5, 1.0]}))
    >>> [str(dtype) for dtype in table.dtypes]
    ['Int64', 'str', 'float64']
    """
    columns = {name: _typed(table[name], name) for name in table.columns}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(table)), columns=table.columns)


def _typed(column: pd.Series, name: Hashable) -> pd.Series:
    dtype = _DTYPES.get(str(name))
    if dtype == "str" and column.dtype == "str":
        return column.mask(column == "").reset_index(drop=True)
    if dtype is None and column.dtype == "float64" and column.notna().any():
        return column.reset_index(drop=True)
    texts = [_text(value) for value in column.tolist()]
    dtype = dtype or _implied_dtype([text for text in texts if text is not None])
    try:
        return pd.Series(_parsed(texts, dtype), dtype=dtype)
    except ValueError:
        raise CohortError(
            f"the column {name!r} holds values that are not numbers",
            expected=dtype,
            found=_first_invalid(texts, dtype),
        ) from None


def _text(value: object) -> str | None:
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value) or None


def _implied_dtype(texts: list[str]) -> str:
    if texts and all(text in {"True", "False"} for text in texts):
        return "boolean"
    integer = [bool(_INTEGER.fullmatch(text)) for text in texts]
    if texts and all(integer):
        return "Int64"
    if texts and all(known or _is_float(text) for known, text in zip(integer, texts, strict=True)):
        return "float64"
    return "str"


def _is_float(text: str) -> bool:
    try:
        return str(float(text)) == text and text != "nan"
    except ValueError:
        return False


def _parsed(texts: list[str | None], dtype: str) -> list[object]:
    parsers: dict[str, Callable[[str], object]] = {
        "str": str,
        "boolean": "True".__eq__,
        "Int64": _integer,
        "float64": float,
    }
    return [None if text is None else parsers[dtype](text) for text in texts]


def _integer(text: str) -> int:
    number = float(text)
    if not number.is_integer():
        raise ValueError(text)
    return int(number)


def _first_invalid(texts: list[str | None], dtype: str) -> str:
    for row, text in enumerate(texts):
        try:
            _parsed([text], dtype)
        except ValueError:
            return f"{text!r} in row {row}"
    return "mixed values"
