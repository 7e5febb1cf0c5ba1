"""The pixels of a subject, whole or altered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.audit.alteration import Alteration, Altered
from hilum.backbone import Backbone, Engine, FeatureStore, extract
from hilum.errors import AuditError
from hilum.progress import SILENT, Progress
from hilum.radiograph import Preparation, ahead, read

__all__ = ["Images"]


@dataclass(frozen=True, eq=False)
class Images:
    """The images of a run, and what turns them into features.

    Parameters
    ----------
    root : Path
        Folder that the names start from.
    names : tuple of str
        One a row of the subject's table.
    preparation : Preparation
    backbone : Backbone
    engine : Engine
        What runs it.
    store : FeatureStore, optional
        Where features are kept.
    progress : Progress
    """

    root: Path
    names: tuple[str, ...]
    preparation: Preparation
    backbone: Backbone
    engine: Engine
    store: FeatureStore | None = None
    progress: Progress = SILENT

    def features(
        self, rows: Sequence[int] | NDArray[np.integer], alteration: Alteration | None = None
    ) -> NDArray[np.float32]:
        """Compute the features of some rows, or look them up.

        Returns
        -------
        ndarray of float32, shape (rows, features)

        Raises
        ------
        AuditError
            If an image can no longer be read.
        """
        preparation = self.preparation if alteration is None else Altered(self.preparation, alteration)
        paths = [self.root / self.names[row] for row in rows]
        found = extract(paths, preparation, self.backbone, self.store, self.progress, engine=self.engine)
        if found.failures:
            first = found.failures[min(found.failures)]
            raise AuditError(
                f"{len(found.failures)} of {len(paths)} images cannot be read",
                path=self.root,
                found=f"first: {first}",
                remedy="Name the folder of the run's images with --data.",
            )
        return found.values

    def prepared(self, rows: Sequence[int] | NDArray[np.integer]) -> Iterator[NDArray[np.float32]]:
        """Yield the prepared squares of some rows, in order, read ahead by threads.

        Yields
        ------
        ndarray of float32, shape (size, size), range [0, 1]

        Raises
        ------
        RadiographError
            If an image can no longer be read.
        """

        def prepare(row: int) -> NDArray[np.float32]:
            radiograph = read(self.root / self.names[row], side=self.preparation.size)
            return self.preparation.apply(radiograph.pixels, radiograph.extent)

        return ahead(prepare, rows)
