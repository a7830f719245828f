"""Convert every legacy model below a folder, each on its own, and tell what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from kport._arguments import expect_names
from kport.checkpoint import Holds
from kport.errors import LoadError, PathNotFoundError, SaveError, UsageError, mapped
from kport.formats import StrPath, local_path
from kport.migration._child import Child
from kport.migration._find import Found, models_below
from kport.migration._report import MigrationReport, MigrationRow, Outcome
from kport.migration._targets import ENDINGS, targets_of

__all__ = ["REPORT", "migrate"]

REPORT = "migration.json"
"""The name of the file in the target folder that says what became of each model."""

Progress = Callable[[int, int, str], None]


def migrate(
    src: StrPath,
    dst: StrPath,
    *,
    to: str = "keras",
    imports: Sequence[str] = (),
    jobs: int = 1,
    progress: Progress | None = None,
) -> MigrationReport:
    """Convert every legacy model below a folder to one that Keras 3 reads.

    Models are found by their bytes: H5 and ``.keras`` files of Keras 1 and 2, SavedModels,
    checkpoints. Each goes to the same place below `dst`; one that cannot be converted stops none of
    the others, and what is at a target already stays, so that a migration that was broken off goes
    on where it was. ``migration.json`` in `dst` keeps the report.

    Arguments:
        src: The folder to look through, hidden folders and links left out. It is never written to.
        dst: The folder to write to, made where it is missing.
        to: ``keras`` for archives, ``bundle`` for directories with safetensors.
        imports: Modules with the classes that the models need, or functions: ``module:function``.
        jobs: How many models to convert at a time, each in a process with Keras and a backend.
        progress: Called with the models that are done, all there are, and the path of the next one.

    Raises:
        PathNotFoundError: There is no such folder.
        UsageError: An argument is wrong, or a module cannot be imported.

    Example:
        >>> from tempfile import mkdtemp
        >>> print(kport.migrate("examples/legacy", mkdtemp()))
        1 migrated
    """
    expect_names("imports", imports)
    if progress is not None and not callable(progress):
        raise UsageError(f"progress={progress!r}: expected a function")
    source, target = local_path(src), local_path(dst)
    _expect(source, target, to, jobs)
    found = tuple(models_below(source, target))
    left = {one.path: row for one in found if (row := _left_alone(one))}
    legacy = [one for one in found if one.path not in left]
    targets = targets_of([one.path for one in legacy], source, target, ENDINGS[to])
    with _workers(imports or (), jobs) as work:
        done = work([(one, targets[one.path]) for one in legacy], progress or _silent)
    rows = left | {one.path: row for one, row in zip(legacy, done, strict=True)}
    report = MigrationReport(str(source), str(target), tuple(rows[one.path] for one in found))
    _write(report, target / REPORT)
    return report


def _expect(source: Path, target: Path, to: str, jobs: int) -> None:
    if not source.is_dir():
        raise PathNotFoundError(
            "is no folder",
            path=source,
            remedy="Of a single model: kport.convert(src, dst)." if source.exists() else "",
        )
    if not isinstance(to, str) or to not in ENDINGS:
        raise UsageError(f"to={to!r}: expected one of {', '.join(ENDINGS)}")
    if not isinstance(jobs, int) or jobs < 1:
        raise UsageError(f"jobs={jobs!r}: expected a whole number of 1 or more")
    if source.resolve() == target.resolve():
        raise UsageError(
            "is the source and the target, so that old files could not be told from new ones",
            path=source,
            remedy="Give another folder as the target; it may lie in the first.",
        )


def _left_alone(found: Found) -> MigrationRow | None:
    """Return the row of what is not converted, None for what is."""
    place, name = str(found.path), found.format
    if found.error is not None:
        error = found.error
        return MigrationRow(place, name, Outcome.REFUSED, "", str(error), error.exit_code)
    if found.holds is Holds.WEIGHTS and found.obstacles:
        text = "\n".join(found.obstacles)
        return MigrationRow(place, name, Outcome.REFUSED, "", text, LoadError.exit_code)
    if found.holds is Holds.WEIGHTS:
        text = "kport.load_weights(model, path) puts them into the model, built from its code"
        return MigrationRow(place, name, Outcome.WEIGHTS, "", text)
    if found.holds is Holds.DEFINITION:
        text = "kport.load(path) gives the model, kport.load_weights(model, path) its weights"
        return MigrationRow(place, name, Outcome.DEFINITION, "", text)
    if name in ENDINGS:
        return MigrationRow(place, name, Outcome.CURRENT)
    return None


Work = Callable[[Sequence[tuple[Found, Path]], Progress], list[MigrationRow]]


@contextmanager
def _workers(imports: Sequence[str], jobs: int) -> Iterator[Work]:
    """Give a function that converts models, several at a time."""
    children = [Child(imports) for _ in range(jobs)]
    idle: SimpleQueue[Child] = SimpleQueue()
    for child in children:
        idle.put(child)
    pool = ThreadPoolExecutor(jobs, "kport-migrate")

    def work(models: Sequence[tuple[Found, Path]], progress: Progress) -> list[MigrationRow]:
        running = [pool.submit(_convert, found, target, idle) for found, target in models]
        rows: list[MigrationRow] = []
        for (found, _), future in zip(models, running, strict=True):
            progress(len(rows), len(models), str(found.path))
            rows.append(future.result())
        return rows

    try:
        yield work
    finally:
        pool.shutdown(cancel_futures=True)
        for child in children:
            child.close()


def _convert(found: Found, target: Path, idle: SimpleQueue[Child]) -> MigrationRow:
    place = str(found.path)
    if target.exists():
        return MigrationRow(place, found.format, Outcome.PRESENT, str(target))
    child = idle.get()
    try:
        with mapped(SaveError, "cannot be made", path=target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
        answer = child.convert(found.path, target)
    finally:
        idle.put(child)
    refused = answer["exit_code"] != 0
    outcome, written = (Outcome.REFUSED, "") if refused else (Outcome.MIGRATED, str(target))
    dropped = tuple(answer.pop("dropped", ()))
    return MigrationRow(place, found.format, outcome, written, dropped=dropped, **answer)


def _write(report: MigrationReport, path: Path) -> None:
    with mapped(SaveError, "cannot be written", path=path):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}")
        beside.write_text(json.dumps(report.to_json(), indent=2) + "\n")
        beside.replace(path)


def _silent(done: int, every: int, path: str) -> None:
    pass
