"""From a run to its audit."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hilum.auditing import Audit, External, Images, Probe, Subject, examine
from hilum.backbone import Backbone, Engine, FeatureStore, choose_engine, open_backbone
from hilum.classifier.fit import fixed
from hilum.cohort import Cohort, locate
from hilum.errors import BackboneError, RunError
from hilum.progress import SILENT, Progress
from hilum.recipe.settings import Precision
from hilum.run.evaluate import predict_cohort
from hilum.run.report import write_report
from hilum.run.run import AUDIT_FILE, Run

__all__ = ["audit", "subject_of"]


def audit(
    run: Run | Path | str,
    data: Path | str | None = None,
    external: Cohort | Path | str | None = None,
    *,
    external_data: Path | str | None = None,
    probes: Iterable[Probe] | None = None,
    progress: Progress = SILENT,
) -> Audit:
    """Ask whether a run's result can be believed; keep the answer in the run, and draw its report again.

    Parameters
    ----------
    run : Run, Path or str
    data : Path or str, optional
        Folder of the run's images; where the run found them otherwise.
    external : Cohort, Path or str, optional
        Another hospital's images: a cohort, its table, or a folder with a subfolder for each class.
    external_data : Path or str, optional
        Folder that the external table's paths start from; see `hilum.cohort.locate`.
    probes : iterable of Probe, optional
        Those to ask; all otherwise.
    progress : Progress

    Returns
    -------
    Audit

    Raises
    ------
    HilumError
        If the run, its images, its network or the external cohort are not as they must be.

    Examples
    --------
    >>> import hilum
    >>> hilum.audit("runs/tutorial-model-1").verdict.rating  # doctest: +SKIP
    <Rating.BROKEN: 'broken'>
    """
    run = run if isinstance(run, Run) else Run.open(run)
    folder = images_of(run, data)
    if external is not None and not isinstance(external, Cohort):
        external = locate(external, external_data)
    with FeatureStore.open(progress=progress) as store:
        found = examine(subject_of(run, folder, external, store, progress), probes)
    found.write(run.path / AUDIT_FILE)
    write_report(Run.open(run.path), folder, progress)
    return found


def images_of(run: Run, data: Path | str | None = None) -> Path:
    """Return the folder of a run's images: the one named, or where the run found them.

    Raises
    ------
    RunError
        If it is not there, or holds other files.
    """
    folder = run.data if data is None else Path(data)
    first = run.cohort.table["image"].iloc[0]
    if folder is None or not (folder / first).is_file():
        raise RunError(
            "the run's images are not here",
            path=folder or run.path,
            expected=first,
            found="no such file",
            remedy="Name the folder that the run was trained from with --data.",
        )
    return folder


def subject_of(
    run: Run,
    data: Path,
    external: Cohort | None = None,
    store: FeatureStore | None = None,
    progress: Progress = SILENT,
) -> Subject:
    """Gather what the audit looks at.

    Parameters
    ----------
    run : Run
    data : Path
        Folder of its images.
    external : Cohort, optional
        Another hospital's images, which the run's classifier predicts here.
    store : FeatureStore, optional
        Where features are kept.
    progress : Progress
    """
    recipe, model = run.recipe, run.model
    table = run.cohort.table
    backbone = open_backbone(recipe.backbone, recipe.preprocessing.size, recipe.seed)
    engine = _engine(run, backbone)
    images = Images(data, tuple(table["image"]), model.preprocessing, backbone, engine, store, progress)
    return Subject(
        recipe=recipe,
        head=fixed(recipe.head, model.manifest.head.details),
        table=table,
        features=images.features(range(len(table))),
        predictions=run.predictions,
        images=images,
        classify=model.probabilities,
        threshold=model.manifest.threshold.value,
        external=None if external is None else _predicted(run, external, progress),
        progress=progress,
    )


def _engine(run: Run, backbone: Backbone) -> Engine:
    """Return an engine of the run's precision, in which its features are known."""
    settings = run.recipe.engine.model_copy(update={"precision": Precision(run.environment["precision"])})
    try:
        return choose_engine(backbone, settings)
    except BackboneError:  # the run was made on another machine
        return choose_engine(backbone)


def _predicted(run: Run, external: Cohort, progress: Progress) -> External:
    sources = sorted(external.table["source"].unique())
    name = ", ".join(sources) if len(sources) <= 3 else f"{len(sources)} sources"
    return External(name, predict_cohort(run.model, external, progress).predictions)
