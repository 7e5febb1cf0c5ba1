"""A cohort as one file: CSV or Parquet, rows in use first, then the excluded ones.

Two columns tell them apart: ``exclusion`` holds the reason (empty for a row in use), ``exclusion_detail``
the rest.
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

__all__ = ["KINDS", "RESERVED", "read_table", "typed", "write_table"]


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


RESERVED = ("exclusion", "exclusion_detail")
_FORMATS = (".csv", ".parquet")


def write_table(path: Path, table: pd.DataFrame, exclusions: pd.DataFrame) -> None:
    """Write both tables to `path`, whole or not at all.

    Raises
    ------
    CohortError
        If the suffix is neither ``.csv`` nor ``.parquet``.
    """
    kind = _format_of(path)
    excluded = exclusions.rename(columns={"reason": RESERVED[0], "detail": RESERVED[1]})
    whole = pd.concat([table, excluded], ignore_index=True).reindex(columns=[*table.columns, *RESERVED])
    with replacing(path) as temporary:
        if kind == ".csv":
            whole.to_csv(temporary, index=False, lineterminator="\n", quoting=_quoting(whole))
        else:
            whole.to_parquet(temporary, index=False)


def _quoting(table: pd.DataFrame) -> Literal[0, 2]:
    """Quote text where some holds a carriage return: the writer quotes line feeds, but not those."""
    texts = [table[name] for name in table if table[name].dtype == "str"]
    returns = any(text.str.contains("\r", regex=False).any() for text in texts)
    return csv.QUOTE_NONNUMERIC if returns or any("\r" in str(name) for name in table) else csv.QUOTE_MINIMAL


def read_table(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read what `write_table` wrote, or a table without excluded rows.

    Returns
    -------
    table, exclusions : DataFrame
        The second with ``image, source, reason, detail``.

    Raises
    ------
    CohortError
        If the file is missing or no such table.
    """
    whole = _read(path)
    if RESERVED[0] not in whole:
        return whole, pd.DataFrame(columns=["image", "source", "reason", "detail"], dtype="str")
    unused = whole[RESERVED[0]].notna()
    table = whole[~unused].drop(columns=list(RESERVED), errors="ignore")
    names = {RESERVED[0]: "reason", RESERVED[1]: "detail"}
    wanted = ["image", "source", "reason", "detail"]
    exclusions = whole[unused].rename(columns=names).reindex(columns=wanted)
    return table.reset_index(drop=True), exclusions.reset_index(drop=True)


def _read(path: Path) -> pd.DataFrame:
    kind = _format_of(path)
    if not path.is_file():
        raise CohortError("there is no such cohort", path=path)
    try:
        if kind == ".csv":
            return pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""])
        return pd.read_parquet(path)
    except (ValueError, OSError) as error:  # what pandas, pyarrow and decoders raise
        raise CohortError(f"not a {kind[1:]} table", path=path, found=_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _format_of(path: Path) -> str:
    kind = path.suffix.lower()
    if kind not in _FORMATS:
        raise CohortError(
            "a cohort is a CSV or Parquet file",
            path=path,
            expected=" or ".join(_FORMATS),
            found=kind or "no suffix",
        )
    return kind
