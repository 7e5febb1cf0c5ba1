"""Native decoders at arm's length: a pool of processes that may crash, hang or run out of memory.

A process is started on first need, kept for the next codestream, and replaced when it ends. A good
codestream pays a copy through a pipe, a few milliseconds per megapixel.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.errors import CorruptFileError, UnsupportedFormatError
from hilum.radiograph.dicom import worker
from hilum.radiograph.dicom.codestream import Codec, Codestream

__all__ = ["decode"]

_NAMES = {Codec.JPEG_DEEP: b"JPEG", Codec.JPEG_LS: b"JPEG-LS", Codec.JPEG_2000: b"JPEG2000"}
_LEAST_MS = 3000
_MS_PER_MB = 2000  # of compressed data; OpenJPEG, the slowest, takes 300


class _Process:
    """One decoding process and the pipes to it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  our own file
            [sys.executable, "-P", worker.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )
        if self._receive() is None:
            self.close()
            raise UnsupportedFormatError(
                "the decoders of compressed DICOM cannot start",
                remedy="Reinstall python-gdcm, pylibjpeg-openjpeg and pyjpegls.",
            )

    def decode(self, request: bytes, data: bytes) -> tuple[int, bytes] | None:
        """Return (bits allocated, samples); None if the process ended over it."""
        assert self._process.stdin is not None  # noqa: S101  a pipe was asked for
        try:
            self._process.stdin.write(request)
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except BrokenPipeError:
            return None
        return self._receive()

    def _receive(self) -> tuple[int, bytes] | None:
        assert self._process.stdout is not None  # noqa: S101
        head = self._process.stdout.read(worker.ANSWER.size)
        if len(head) < worker.ANSWER.size:
            return None
        bits, length = worker.ANSWER.unpack(head)
        samples = self._process.stdout.read(length)
        return (bits, samples) if len(samples) == length else None

    def close(self) -> int:
        """End the process and return its exit status."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe and pipe.close()
        try:
            return self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def disown(self) -> None:
        """Forget a process that belongs to the parent of a forked process."""
        self._process.returncode = 0


_idle: deque[_Process] = deque()


def decode(stream: Codestream, data: bytes, path: Path | str) -> NDArray[np.uint8 | np.uint16]:
    """Decode a codestream in another process.

    Parameters
    ----------
    stream : Codestream
        Its header.
    data : bytes
        One frame.
    path : Path or str
        For messages.

    Returns
    -------
    ndarray of uint8 or uint16, shape (rows * columns * samples,)
        Read-only.

    Raises
    ------
    CorruptFileError
        If it cannot be decoded, or the decoder crashed, or took too long.
    """
    process = _take()
    milliseconds = _LEAST_MS + _MS_PER_MB * len(data) // 1_000_000
    request = worker.REQUEST.pack(
        _NAMES[stream.codec],
        stream.rows,
        stream.columns,
        stream.samples,
        stream.bits,
        milliseconds,
        len(data),
    )
    try:
        answer = process.decode(request, data)
    except BaseException:  # an interrupt: the pipes are out of step
        process.close()
        raise
    if answer is None:
        raise _failure(f"the {stream.codec.value} decoder {_fate(process.close())}", path)
    _idle.append(process)
    bits, samples = answer
    if bits == 0:
        raise _failure(f"the {stream.codec.value} data is damaged or cut short", path)
    return np.frombuffer(samples, np.uint8 if bits == 8 else np.dtype("<u2"))


def _take() -> _Process:
    try:
        return _idle.pop()  # one step, so that no two threads get the same
    except IndexError:
        return _Process()


def _fate(status: int) -> str:
    timed_out = status == -getattr(signal, "SIGPROF", 0)
    return "took too long" if timed_out else "crashed on damaged data"


def _failure(what: str, path: Path | str) -> CorruptFileError:
    return CorruptFileError(what, path=path, remedy="Export the image again from its source.")


def _close_idle() -> None:
    while _idle:
        _idle.pop().close()


def _disown_idle() -> None:
    while _idle:
        _idle.pop().disown()


atexit.register(_close_idle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_idle)
