"""Parts of a tensor that lie side by side are read as one."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from kport.checkpoint import Kind, LazyTensor, slices_of

pytestmark = pytest.mark.backend

VALUES = np.arange(32, dtype="f4").reshape(4, 8)
ROWS = (0, 4)


@pytest.mark.parametrize(
    ("boxes", "read"),
    [
        ([(ROWS, (0, 2)), (ROWS, (2, 4))], [(ROWS, (0, 4))]),
        ([(ROWS, (4, 6)), (ROWS, (0, 2))], [(ROWS, (0, 2)), (ROWS, (4, 6))]),
        ([((0, 2), (0, 8)), ((2, 4), (0, 8))], []),
    ],
)
def test_neighbours_are_read_at_once(boxes, read, monkeypatch):
    from kport.model import _spread

    asked, given = [], {}

    def window(box):
        asked.append(box)
        return VALUES[slices_of(box)]

    monkeypatch.setattr(_spread, "adopt_boxes", lambda variable, parts: given.update(parts))
    tensor = LazyTensor("w", (4, 8), "float32", Kind.PARAMETER, lambda: VALUES, window=window)
    pair = SimpleNamespace(tensor=tensor, variable=SimpleNamespace(dtype="float32"))
    with ThreadPoolExecutor(1) as pool:
        _spread.fill_boxes(pair, boxes, pool)
    assert sorted(asked) == read
    for box in boxes:
        np.testing.assert_array_equal(given[box], VALUES[slices_of(box)])
