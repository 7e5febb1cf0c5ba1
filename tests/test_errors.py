"""The tree of exceptions and their messages."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from hilum import errors


def test_the_docstring_draws_the_exception_tree():
    classes = {
        name: value
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert set(classes) <= set(errors.__all__)
    drawn: dict[str, str] = {}
    above: dict[int, str] = {}
    for line in errors.__doc__.splitlines():
        if found := re.match(r"^ {4}([│├└─ ]*)(\w+Error)\b", line):
            depth = len(found[1])
            above[depth] = found[2]
            drawn[found[2]] = above.get(depth - 4, "Exception")
    assert drawn == {name: value.__bases__[0].__name__ for name, value in classes.items()}


def test_a_message_says_what_where_expected_found_and_what_to_do():
    error = errors.RadiographError(
        "no pixels", path="a/b.png", expected="an image", found="0 bytes", remedy="Copy it again."
    )
    assert str(error) == "a/b.png: no pixels; expected an image, found 0 bytes. Copy it again."
    assert error.cause == "no pixels; expected an image, found 0 bytes"
    assert error.path == Path("a/b.png")


def test_every_error_is_a_hilum_error():
    with pytest.raises(errors.HilumError):
        raise errors.WeightsError("none")
