"""A download that takes up where the last one stopped."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pooch
import requests

from hilum.errors import HilumError, OfflineError, SourceError
from hilum.progress import Progress

__all__ = ["download"]

_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 30.0


def download(url: str, sha256: str | None, path: Path, remedy: str, progress: Progress) -> None:
    """Download `url` to `path`, whole and verified.

    What an interrupted download leaves is beside `path` as ``.part``, and the next one asks the server for
    the rest.

    Parameters
    ----------
    url : str
    sha256 : str or None
        Of the file; None where its publisher states none, and then nothing is verified but the length.
    path : Path
    remedy : str
        What a person can do where the server cannot be reached.
    progress : Progress

    Raises
    ------
    OfflineError
        If the server cannot be reached, refuses, or stops on the way.
    SourceError
        If the file is not the one that `sha256` names; it is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pooch.get_logger().setLevel(logging.WARNING)  # it prints the hash of what has none, and more
    fetcher = _Resuming(path.with_name(path.name + ".part"), remedy, progress)
    try:
        pooch.retrieve(url, known_hash=sha256, fname=path.name, path=path.parent, downloader=fetcher)
    except HilumError:
        raise
    except ValueError as error:  # pooch's word for another hash; it has removed the file
        raise SourceError(
            f"another file than expected came from {url}",
            expected=f"sha256 {sha256}",
            remedy=remedy,
        ) from error


class _Resuming:
    """A downloader as pooch calls it, on top of a file that survives an interruption."""

    def __init__(self, part: Path, remedy: str, progress: Progress) -> None:
        self._part = part
        self._remedy = remedy
        self._progress = progress

    def __call__(self, url: str, output_file: str, _pooch: Any) -> None:
        try:
            self._continue(url)
        except requests.RequestException as error:
            raise self._unreachable(url, error) from error
        shutil.move(self._part, output_file)

    def _continue(self, url: str) -> None:
        here = self._part.stat().st_size if self._part.exists() else 0
        # Packed again on the way, a length would not be the file's.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={here}-"} if here else {})
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                if response.headers.get("Content-Range") == f"bytes */{here}":
                    return  # it was whole already
                self._part.unlink()  # longer than the file is now: start again
                self._continue(url)
                return
            self._refuse_failure(url, response)
            resumed = response.status_code == requests.codes.partial_content
            self._append(response, here if resumed else 0)

    def _append(self, response: requests.Response, start: int) -> None:
        length = int(response.headers.get("Content-Length", 0))
        chunks: Iterator[bytes] = response.iter_content(_CHUNK_BYTES)
        total = -(-length // _CHUNK_BYTES) or None
        with self._part.open("ab" if start else "wb") as file:
            for chunk in self._progress.track(chunks, what="Downloading (MiB)", total=total):
                file.write(chunk)

    def _refuse_failure(self, url: str, response: requests.Response) -> None:
        if response.status_code not in {requests.codes.ok, requests.codes.partial_content}:
            raise OfflineError(
                f"the collection's home does not give {url}",
                found=f"HTTP {response.status_code} {response.reason}",
                remedy=self._remedy,
            )

    def _unreachable(self, url: str, error: Exception) -> OfflineError:
        here = self._part.stat().st_size if self._part.exists() else 0
        if here:
            what, remedy = f"{url} stopped on the way", f"Run it again: {here >> 20} MiB are kept"
        else:
            what, remedy = f"{url} cannot be reached", self._remedy
        return OfflineError(what, found=type(error).__name__, remedy=remedy)
