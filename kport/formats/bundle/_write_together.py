"""Write a bundle by several processes, each the values that its own devices hold.

The places of all values follow from the header, so process 0 makes the files in their full size
and every process writes its own bytes into them: what comes out is the bundle that one process
would have written, byte for byte. All processes must see one file system. A tensor is then read
back by one of the processes, which makes its digest and compares every part with the digest that
its writer took from memory: what one process wrote is what another one reads. At the end process 0
puts the whole in place in one step. If a process fails, all do, and the target is as it was.

Memory: one part of one tensor, and a copy of it where it is not contiguous.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from kport.checkpoint import (
    Array,
    Box,
    Checkpoint,
    LazyTensor,
    byte_runs,
    digest,
    digest_of,
    numpy_dtype,
    plain_bytes,
    slices_of,
)
from kport.errors import CorruptFileError, Problem, SaveError, UsageError, mapped
from kport.formats._atomic import replace_directory
from kport.formats._format import WriteOptions
from kport.formats._group import Group, together
from kport.formats._json import shown
from kport.formats.bundle import _layout as layout
from kport.formats.bundle._write import fill, plan_files, target_of
from kport.formats.safetensors import FileDigest, FilePlan, plan_file, read_file

__all__ = ["write_together"]

Sums = dict[str, list[tuple[Box, str]]]
"""Tensor -> its parts and their digests."""


def write_together(checkpoint: Checkpoint, path: Path, options: WriteOptions, group: Group) -> None:
    """Write a Checkpoint of which each process has its own parts; see `write_bundle`.

    Raises:
        UsageError: Parts of the model shall get bundles of their own.
        SaveError: It failed in a process; in all of them then.
    """
    if options.split:
        raise UsageError(
            "split: several processes write one bundle",
            remedy="Save it whole; load that in one process and save it split.",
        )
    with mapped(SaveError, "cannot be written", path=path):
        _write(checkpoint, path, options, group)


def _write(checkpoint: Checkpoint, path: Path, options: WriteOptions, group: Group) -> None:
    files = plan_files(checkpoint, options.shard_size)
    plans = {file: plan_file(tensors, layout.METADATA) for file, tensors in files.items()}
    lead = group.rank == 0
    with ExitStack() as stack:

        def begin() -> str | None:
            if not lead:
                return None
            folder = stack.enter_context(replace_directory(target_of(checkpoint, path)))
            for file, plan in plans.items():
                _make(folder / file, plan)
            return str(folder.absolute())

        def finish(digests: Mapping[str, FileDigest]) -> None:
            if lead:
                fill(folder, checkpoint, options, digests)
                stack.close()

        folder = Path(together(group, begin)[0])
        sums = together(group, lambda: _put_own(folder, files, plans, lead))
        mine = {file: tensors[group.rank :: group.count] for file, tensors in files.items()}
        found = together(group, lambda: _read_back(folder, mine, _merged(sums)))
        digests = {
            file: FileDigest(plan.size, digest(plan.header), _united(one[file] for one in found))
            for file, plan in plans.items()
        }
        together(group, lambda: finish(digests))


def _make(path: Path, plan: FilePlan) -> None:
    with path.open("wb") as file:
        file.write(plan.header)
        file.flush()
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, plan.size)  # a full disk is known now
        file.truncate(plan.size)


def _put_own(
    folder: Path,
    files: Mapping[str, Sequence[LazyTensor]],
    plans: Mapping[str, FilePlan],
    lead: bool,
) -> Sums:
    if not folder.is_dir():
        raise SaveError(
            f"process 0 writes into {folder}, which this process does not see",
            remedy="Save to a file system that all processes share.",
        )
    sums: Sums = {}
    for file, tensors in files.items():
        handle = os.open(folder / file, os.O_WRONLY)
        try:
            for one in tensors:
                for box, values in _own_parts(one, lead):
                    _put(handle, plans[file].starts[one.name], one, box, values)
                    sums.setdefault(one.name, []).append((box, digest_of(values)))
            os.fsync(handle)
        finally:
            os.close(handle)
    return sums


def _own_parts(tensor: LazyTensor, lead: bool) -> Iterable[tuple[Box, Array]]:
    if tensor.pieces is not None:
        return tensor.pieces()
    # What lies in each process as a whole is the same in all of them.
    return [(tuple((0, size) for size in tensor.shape), tensor.read())] if lead else []


def _put(handle: int, start: int, tensor: LazyTensor, box: Box, values: Array) -> None:
    data, done = plain_bytes(values), 0
    for first, last in byte_runs(tensor.shape, numpy_dtype(tensor.dtype).itemsize, box):
        while first < last:
            written = os.pwrite(handle, data[done : done + last - first], start + first)
            first, done = first + written, done + written  # a call may take less


def _merged(sums: Iterable[Sums]) -> Sums:
    merged: Sums = {}
    for one in sums:
        for name, parts in one.items():
            found = [(tuple((start, stop) for start, stop in box), own) for box, own in parts]
            merged.setdefault(name, []).extend(found)
    return merged


def _united(answers: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {name: found for answer in answers for name, found in answer.items()}


def _read_back(
    folder: Path, files: Mapping[str, Sequence[LazyTensor]], sums: Sums
) -> dict[str, dict[str, str]]:
    """Return file -> tensor -> the digest of what the file holds, for some of the tensors."""
    found: dict[str, dict[str, str]] = {}
    for file, tensors in files.items():
        stored = read_file(folder / file)
        values = {one.name: stored.source(one.name, one.dtype) for one in tensors}
        problems = [
            problem
            for one in tensors
            for problem in _damages(one, values[one.name](), sums.get(one.name, []))
        ]
        if problems:
            raise CorruptFileError("differs from what was written", path=file, problems=problems)
        found[file] = {name: digest_of(read()) for name, read in values.items()}
    return found


def _damages(
    tensor: LazyTensor, values: Array, parts: Sequence[tuple[Box, str]]
) -> Iterator[Problem]:
    place = f"tensors[{shown(tensor.name)}]"
    if sum(math.prod(stop - start for start, stop in box) for box, _ in parts) != tensor.size:
        yield Problem(place, "has values that no process wrote: do all have the same model?")
    for box, written in parts:
        if digest_of(values[slices_of(box)]) != written:
            yield Problem(f"{place}{list(box)}", "has other values than its devices")
