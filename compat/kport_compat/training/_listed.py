"""State without names: the order says what each value is.

Keras up to 2.3 (``keras/optimizers.py``, `get_updates`) lists the slots of one kind after those of
another and keeps a vector of one element in the place of each ``vhat`` it does not need; up to 2.2
some optimizers leave the iteration out. A ``.keras`` archive of Keras 2.12 to 2.15
(``keras/optimizers/*.py``, `build`) lists them variable by variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kport.checkpoint import JSON, LazyTensor, Note
from kport_compat.training._state import Builder, or_fresh
from kport_compat.training._tables import AVERAGES, BLOCKS, SlotKind, UnknownState

__all__ = ["slot_after_slot", "variable_by_variable"]

_Result = tuple[list[LazyTensor], list[Note]]


def variable_by_variable(values: Sequence[LazyTensor], optimizer: JSON | None) -> _Result:
    """Return the state of a ``.keras`` archive; nothing but a note where it is not certain.

    Arguments:
        values: ``optimizer/vars/0``, ``1`` and so on.
        optimizer: The translated config of the optimizer, None where there is none.
    """
    return or_fresh(lambda: _by_variable(list(values), Builder(optimizer)))


def slot_after_slot(values: Sequence[LazyTensor], optimizer: JSON | None) -> _Result:
    """Return the state of an H5 file of Keras 2.3 or older; raises `UnknownState`.

    Arguments:
        values: ``optimizer_weights`` in the order of ``weight_names``.
        optimizer: The translated config of the optimizer.
    """
    state = Builder(optimizer)
    rest = _scalars(list(values), state)
    kinds = [kind for kind in state.kinds if kind is not AVERAGES]
    for chosen in (kinds, [kind for kind in kinds if kind.kept(state.config) or kind.always]):
        count, odd = divmod(len(rest), len(chosen))
        rows = [rest[at * count : (at + 1) * count] for at in range(len(chosen))]
        if not odd and all(_alike(rows[0], row) for row in rows):
            for kind, row in zip(chosen, rows, strict=True):
                for number, tensor in enumerate(row):
                    state.slot(kind, number, tensor)
            return state.finish()
    raise UnknownState("its slots are of other numbers or shapes than its class has")


def _alike(first: Sequence[LazyTensor], row: Sequence[LazyTensor]) -> bool:
    shapes = [one.shape for one in row]
    return shapes == [one.shape for one in first] or set(shapes) == {(1,)}


def _scalars(values: list[LazyTensor], state: Builder) -> list[LazyTensor]:
    names = ["iterations", "u_product"]
    while values and not values[0].shape and names:
        state.scalar(names.pop(0), values.pop(0))
    return values


def _by_variable(values: list[LazyTensor], state: Builder) -> _Result:
    rest = _scalars(values, state)
    if not rest:
        return state.finish()
    if state.cls == "Adafactor":
        for kind, number, tensor in _adafactor(rest):
            state.slot(kind, number, tensor)
        return state.finish()
    blocks = [
        [kind for kind in block if kind.kept(state.config) or kind.always]
        for block in ((AVERAGES,), *BLOCKS[state.cls])
    ]
    count, odd = divmod(len(rest), sum(map(len, blocks)) or 1)
    if odd:
        raise UnknownState("it has other slots than its class")
    for block in blocks:
        for number in range(count):
            for kind in block:
                state.slot(kind, number, rest.pop(0))
    return state.finish()


def _adafactor(rest: list[LazyTensor]) -> Iterator[tuple[SlotKind, int, LazyTensor]]:
    """Yield its slots: ``r``, ``c`` and ``v`` for a matrix, ``v`` alone for a vector."""
    rows, columns, squares = BLOCKS["Adafactor"][0]
    number = at = 0
    while at < len(rest):
        shape = rest[at + 2].shape if at + 2 < len(rest) else ()
        factored = (shape[:-1], (*shape[:-2], *shape[-1:]))
        if len(shape) > 1 and factored == (rest[at].shape, rest[at + 1].shape):
            yield rows, number, rest[at]
            yield columns, number, rest[at + 1]
            at += 2
        yield squares, number, rest[at]
        number, at = number + 1, at + 1
