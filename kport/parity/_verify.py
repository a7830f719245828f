"""Load files on every backend, each in its own process, and compare what comes out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kport import formats
from kport._arguments import expect_names, expect_sample
from kport._backends import BACKENDS, child_environment, installed_backends
from kport.checkpoint import Array, Sample
from kport.errors import BackendError, KportError, UsageError, located
from kport.formats import StrPath
from kport.parity._compare import TOLERANCES, compare, tolerance_of
from kport.parity._files import read_arrays, write_arrays
from kport.parity._inputs import sample_for
from kport.parity._report import ParityReport, Row

__all__ = ["verify"]


@dataclass(frozen=True, slots=True)
class _Run:
    """What one process gave back."""

    seconds: float
    dtypes: frozenset[str]
    outputs: Mapping[str, Array]
    error: str
    exit_code: int = 0


def verify(
    paths: StrPath | Sequence[StrPath],
    *,
    backends: Sequence[str] | None = None,
    sample: Sample | None = None,
    imports: Sequence[str] = (),
) -> ParityReport:
    """Run files on the backends, each in a process of its own, and compare the outputs.

    The inputs are those of `sample`, else those stored with the file, else seeded ones. The
    reference is the outputs of the sample where it has them, else those of the first backend
    that ran.

    Arguments:
        paths: One file or several.
        backends: Which of ``tensorflow``, ``jax``, ``torch``; default all that are installed.
        sample: Inputs, and true outputs where known.
        imports: Modules with the classes that the files need, or functions: ``module:function``.

    Raises:
        UnreadableError: A path holds no readable model.
        UsageError: A backend is unknown, or the inputs are not known.
        BackendError: A backend asked for is not installed, or none is.

    Example:
        >>> kport.verify("bundle/").ok
        True
    """
    expect_names("backends", backends)
    expect_names("imports", imports)
    expect_sample(sample)
    chosen = _chosen(backends)
    several: list[Any] = list(paths) if isinstance(paths, (list, tuple)) else [paths]
    if not several:
        raise UsageError("no path to verify was given")
    rows = [row for path in several for row in _rows(path, chosen, sample, imports)]
    return ParityReport(tuple(rows))


def _chosen(backends: Sequence[str] | None) -> tuple[str, ...]:
    installed = installed_backends()
    wanted = installed if backends is None else tuple(backends)
    unknown = sorted(set(wanted) - set(BACKENDS))
    if unknown:
        raise UsageError(f"unknown backends: {', '.join(unknown)}; known: {', '.join(BACKENDS)}")
    missing = [name for name in wanted if name not in installed]
    if missing or not wanted:
        raise BackendError(
            f"not installed: {', '.join(missing) or 'any Keras backend'}",
            remedy=f"pip install 'keras-kport[{missing[0] if missing else 'jax'}]'",
        )
    return wanted


def _rows(
    path: StrPath, backends: Sequence[str], given: Sample | None, imports: Sequence[str]
) -> Iterator[Row]:
    with located(path):
        sample = sample_for(formats.read(path), given)
    arrays = sample.arrays()
    true = {name: one for name, one in arrays.items() if name.startswith("outputs")}
    reference, source = (true, "sample") if true else ({}, "")
    for backend in backends:
        run = _in_process(path, backend, arrays, imports)
        if not reference and not run.error:
            reference, source = dict(run.outputs), backend
        yield _row(str(path), backend, run, reference, source)


def _row(path: str, backend: str, run: _Run, reference: Mapping[str, Array], source: str) -> Row:
    tolerance = tolerance_of(set(run.dtypes)) or TOLERANCES["float32"]
    error, largest, relative = run.error, None, None
    if not error:
        try:
            largest, relative = compare(run.outputs, reference)
        except KportError as mismatch:
            error = str(mismatch)
    ok = relative is not None and relative <= tolerance
    code = 0 if ok else run.exit_code or 1
    return Row(path, backend, run.seconds, largest, relative, tolerance, ok, error, source, code)


def _in_process(
    path: StrPath, backend: str, arrays: Mapping[str, Array], imports: Sequence[str]
) -> _Run:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs = {key: one for key, one in arrays.items() if key.startswith("inputs")}
        write_arrays(folder / "inputs.safetensors", inputs)
        job = {
            "path": str(path) if "://" in str(path) else os.path.abspath(path),
            "imports": list(imports),
        }
        (folder / "job.json").write_text(json.dumps(job))
        done = subprocess.run(  # noqa: S603  # our own module, no shell
            [sys.executable, "-m", "kport.parity._worker", str(folder)],
            env=child_environment(backend),
            capture_output=True,
            text=True,
            check=False,
        )
        return _collected(folder, done)


def _collected(folder: Path, done: subprocess.CompletedProcess[str]) -> _Run:
    answer = folder / "result.json"
    if not answer.exists():
        words = done.stderr.strip().splitlines()
        last = words[-1] if words else "no message"
        return _Run(0.0, frozenset(), {}, f"the process ended with {done.returncode}: {last}", 3)
    result: dict[str, Any] = json.loads(answer.read_text())
    if "error" in result:
        return _Run(0.0, frozenset(), {}, str(result["error"]), int(result["exit_code"]))
    outputs = read_arrays(folder / "outputs.safetensors")
    # The arrays are views of a file that goes with the folder.
    kept = {name: values.copy() for name, values in outputs.items()}
    return _Run(float(result["seconds"]), frozenset(result["dtypes"]), kept, "")
