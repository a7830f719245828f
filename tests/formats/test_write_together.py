"""Several processes write one bundle; threads stand for them, each with parts of the values."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest

from kport.checkpoint import slices_of
from kport.errors import KportError, SaveError, UsageError
from kport.formats import WriteOptions, write
from kport.formats.bundle import BUNDLE, _write_together


@dataclass
class Thread:
    rank: int
    count: int
    barrier: threading.Barrier
    given: dict

    def gather(self, data):
        self.given[self.rank] = data
        self.barrier.wait(10)
        found = [self.given[rank] for rank in range(self.count)]
        self.barrier.wait(10)
        return found


def together(path, checkpoints):
    """Write in one thread for each Checkpoint; return what each raised."""
    count, given = len(checkpoints), {}
    barrier = threading.Barrier(count)

    def run(rank):
        options = WriteOptions(group=Thread(rank, count, barrier, given))
        try:
            BUNDLE.write(checkpoints[rank], path, options)
        except KportError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def halves(checkpoint, axis):
    """Return the Checkpoint as two processes have it, each with half of every tensor."""

    def half(tensor, rank):
        values = tensor.read()
        if tensor.size < 2:
            return replace(
                tensor, pieces=lambda: [(tuple((0, n) for n in tensor.shape), values)] * rank
            )
        cut = [(0, size) for size in tensor.shape]
        along = min(axis, len(cut) - 1)
        middle = tensor.shape[along] // 2
        cut[along] = ((0, middle), (middle, tensor.shape[along]))[rank]
        return replace(tensor, pieces=lambda: [(tuple(cut), values[slices_of(cut)])])

    return [
        replace(checkpoint, tensors={n: half(one, rank) for n, one in checkpoint.tensors.items()})
        for rank in (0, 1)
    ]


def tree(folder):
    return {one.name: one.read_bytes() for one in folder.rglob("*") if one.is_file()}


@pytest.mark.parametrize("axis", [0, 1])
def test_the_bundle_is_that_of_one_process(axis, full, tmp_path):
    BUNDLE.write(full, tmp_path / "alone", WriteOptions())
    assert together(tmp_path / "both", halves(full, axis)) == [None, None]
    assert tree(tmp_path / "both") == tree(tmp_path / "alone")
    assert BUNDLE.check(tmp_path / "both").problems == ()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["alone", "both"]


def test_one_that_fails_fails_all_and_the_old_bundle_stays(full, tmp_path):
    def no_disk():
        raise OSError(28, "No space left on device")

    BUNDLE.write(full, tmp_path / "net", WriteOptions())
    before = tree(tmp_path / "net")
    first, second = halves(full, 0)
    broken = replace(first.tensors["dense.kernel"], pieces=no_disk)
    second = replace(second, tensors={**second.tensors, "dense.kernel": broken})
    told, own = together(tmp_path / "net", [first, second])
    assert str(own).endswith("net: cannot be written: [Errno 28] No space left on device")
    assert type(told) is SaveError
    assert "cannot be written by all processes together" in str(told)
    assert "process 1" in str(told)
    assert "No space left on device" in str(told)
    assert tree(tmp_path / "net") == before
    assert [one.name for one in tmp_path.iterdir()] == ["net"]


def test_values_that_no_process_has_are_an_error(full, tmp_path):
    first, second = halves(full, 0)
    second = replace(
        second, tensors={**second.tensors, "dense.kernel": full.tensors["dense.kernel"]}
    )
    errors = together(tmp_path / "net", [first, second])
    found = " ".join(map(str, errors))
    assert "has values that no process wrote: do all have the same model?" in found
    assert list(tmp_path.iterdir()) == []


def test_what_is_lost_between_two_processes_is_noticed(full, tmp_path, monkeypatch):
    put = _write_together._put

    def put_zeros(handle, start, tensor, box, values):
        lost = tensor.name == "dense.kernel"
        put(handle, start, tensor, box, np.zeros_like(values) if lost else values)

    monkeypatch.setattr(_write_together, "_put", put_zeros)
    found = " ".join(map(str, together(tmp_path / "net", halves(full, 0))))
    assert "has other values than its devices" in found
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_seen_everywhere(full, tmp_path, monkeypatch):
    monkeypatch.setattr(_write_together.Path, "is_dir", lambda self: "net" not in str(self))
    found = " ".join(map(str, together(tmp_path / "net", halves(full, 0))))
    assert "process 0 writes into" in found
    assert "which this process does not see" in found


def test_what_processes_cannot_do_together(full, tmp_path):
    group = Thread(0, 1, threading.Barrier(1), {})
    with pytest.raises(UsageError, match="several processes write one bundle"):
        BUNDLE.write(full, tmp_path / "net", WriteOptions(split=("a",), group=group))
    with pytest.raises(UsageError, match="into files that all of them see"):
        write(full, "memory://net", WriteOptions(group=group))
    with pytest.raises(UsageError, match="is written by one process"):
        write(full, tmp_path / "net.keras", WriteOptions(group=group))
