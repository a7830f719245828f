"""Where the bytes of a part of a tensor lie."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kport.checkpoint import Box, box_of, byte_runs, slices_of


@st.composite
def boxes(draw: st.DrawFn) -> tuple[tuple[int, ...], Box]:
    shape = tuple(draw(st.lists(st.integers(1, 5), max_size=4)))
    ends = [sorted(draw(st.tuples(*[st.integers(0, size)] * 2))) for size in shape]
    return shape, tuple((start, stop) for start, stop in ends)


@given(boxes())
def test_the_runs_of_a_box_are_its_bytes_in_order(given: tuple[tuple[int, ...], Box]) -> None:
    shape, box = given
    values = np.arange(np.prod(shape, dtype=int), dtype="u2").reshape(shape)
    data = values.tobytes()
    found = b"".join(data[first:last] for first, last in byte_runs(shape, 2, box))
    assert found == values[slices_of(box)].tobytes()


@given(boxes(), st.integers(0, 60))
def test_runs_with_slack_cover_the_box_and_little_more(
    given: tuple[tuple[int, ...], Box], slack: int
) -> None:
    shape, box = given
    exact, loose = (list(byte_runs(shape, 2, box, one)) for one in (0, slack))
    assert all(any(a <= first and last <= b for a, b in loose) for first, last in exact)
    assert loose == sorted(loose)
    wanted = sum(last - first for first, last in exact)
    holes = max(len(exact) - 1, 0) * slack
    assert wanted <= sum(last - first for first, last in loose) <= wanted + holes


def test_an_index_that_is_no_box() -> None:
    assert box_of((slice(None), slice(None, 2)), (3, 4)) == ((0, 3), (0, 2))
    assert box_of(slice(1, None), (3, 4)) == ((1, 3), (0, 4))
    assert box_of(0, (3,)) is None
    assert box_of(slice(None, None, 2), (3,)) is None
    assert box_of((slice(None),) * 2, (3,)) is None
