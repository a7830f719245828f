"""The state of an old optimizer as tensors that say what they are for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kport.checkpoint import JSON, Kind, LazyTensor, Note, Slot
from kport_compat.training._nadam import schedule_product
from kport_compat.training._tables import (
    COUNTED,
    LOSS_SCALE,
    SCALARS,
    SlotKind,
    UnknownState,
    layout,
)

__all__ = ["Builder", "Found", "or_fresh"]

_NADAM = {"Nadam", "LegacyNadam"}

Result = tuple[list[LazyTensor], list[Note]]


@dataclass(frozen=True, slots=True)
class Found:
    """A slot in a file.

    Arguments:
        kind: What it is.
        variable: The variable it belongs to, by any name that the file has for it.
        owner: The name of that variable's tensor, None where the file does not tell.
        tensor: The value.
    """

    kind: SlotKind
    variable: str
    owner: str | None
    tensor: LazyTensor


def or_fresh(read: Callable[[], Result]) -> Result:
    """Return what `read` does; nothing but a note where the state is not certain."""
    try:
        return read()
    except UnknownState as reason:
        return [], [Note("dropped", "optimizer", f"{reason}; training starts with fresh slots")]


@dataclass(slots=True)
class Builder:
    """Collects the state of one optimizer.

    Arguments:
        optimizer: The translated config.

    Raises:
        UnknownState: Its class is not known.
    """

    optimizer: JSON | None
    prefix: str = field(init=False)
    cls: str = field(init=False)
    config: JSON = field(init=False)
    kinds: list[SlotKind] = field(init=False)
    _tensors: dict[str, LazyTensor] = field(default_factory=dict)
    _owners: dict[SlotKind, list[str | int]] = field(default_factory=dict)
    _notes: list[Note] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.prefix, self.cls, self.config, blocks = layout(self.optimizer)
        self.kinds = [kind for block in blocks for kind in block]

    def scalar(self, name: str, tensor: LazyTensor) -> None:
        """Add what the optimizer keeps once, by a name that is in one of the tables."""
        if name in LOSS_SCALE and not self.prefix:
            return  # the scale is fixed
        attribute = LOSS_SCALE.get(name) or self.prefix + SCALARS[name]
        if tensor.shape:
            raise UnknownState(f"its {attribute} is no single number")
        counts = attribute.endswith("iterations") and tensor.dtype.startswith("float")
        self._add(Slot(attribute), _whole(tensor) if counts else tensor)

    def slot(self, kind: SlotKind, of: str | int, tensor: LazyTensor) -> None:
        """Add what it keeps for one variable."""
        if kind.kept(self.config):
            self._owners.setdefault(kind, []).append(of)
            self._add(Slot(self.prefix + kind.attribute, of), tensor)
        else:
            text = f"Keras 3's {self.cls} keeps no such slot here"
            self._notes.append(Note("dropped", _name(kind.attribute, of), text))

    def slots(self, found: Sequence[Found]) -> None:
        """Add slots by the variables they belong to, or by number where one is not known."""
        order: dict[SlotKind, dict[str, None]] = {}
        for one in found:
            order.setdefault(one.kind, {})[one.variable] = None
        longest = max(order.values(), key=len, default={})
        numbers = {variable: number for number, variable in enumerate(longest)}
        by_name = all(one.owner is not None for one in found)
        for one in found:
            of = one.owner if by_name and one.owner is not None else numbers.get(one.variable)
            if of is None:
                raise UnknownState("its slots do not belong to the same variables")
            self.slot(one.kind, of, one.tensor)

    def finish(self) -> Result:
        """Return the tensors and what was left out.

        Raises:
            UnknownState: Something is missing.
        """
        iteration = self._tensors.get(_name(f"{self.prefix}iterations"))
        scheduled = isinstance(self.config.get("learning_rate"), dict)
        if iteration is None and (scheduled or self.cls in COUNTED):
            raise UnknownState("it has no iteration counter")
        wanted = [one for one in self.kinds if one.kept(self.config)]
        if any(one not in self._owners for one in wanted):
            raise UnknownState("it was saved before its first step, or under other settings")
        *rest, last = [frozenset(self._owners[one]) for one in wanted] or [frozenset()]
        factored = self.cls == "Adafactor" and all(one <= last for one in rest)  # matrices only
        if len({*rest}) > 1 or not (factored or {*rest} <= {last}):
            raise UnknownState("its slots do not belong to the same variables")
        self._supply(iteration)
        return list(self._tensors.values()), self._notes

    def _add(self, slot: Slot, tensor: LazyTensor) -> None:
        name = _name(slot.attribute, slot.of)
        if name in self._tensors:
            raise UnknownState(f"it has {name!r} twice")
        self._tensors[name] = replace(
            tensor, name=name, kind=Kind.OPTIMIZER, keras_path=None, position=None, slot=slot
        )

    def _supply(self, iteration: LazyTensor | None) -> None:
        """Add what Keras 3 keeps as a variable and the old files say otherwise."""
        rate: Any = self.config.get("learning_rate")
        if isinstance(rate, int | float):
            self._add(Slot(f"{self.prefix}learning_rate"), _number(np.array(rate, "<f4")))
        missing = _name(f"{self.prefix}u_product") not in self._tensors
        if self.cls in _NADAM and missing and iteration is not None:
            often = 1 if self.cls == "LegacyNadam" else len(self._owners[self.kinds[-1]])
            product = schedule_product(int(iteration.read()), often, self.config)
            name = f"{self.prefix}u_product"
            self._add(Slot(name), _number(np.array(product, "<f4")))
            text = "is not in the file: computed from the number of iterations"
            self._notes.append(Note("translated", _name(name), text))


def _whole(tensor: LazyTensor) -> LazyTensor:
    """Return a count that Keras up to 2.0 kept as a float as the integer that it is."""
    with np.errstate(invalid="ignore"):
        value = tensor.read().astype("<i8")
    if value != tensor.read():
        raise UnknownState(f"its iteration counter is {float(tensor.read())}")
    return replace(tensor, dtype="int64", source=value.copy, digest=None)


def _number(value: np.ndarray[Any, Any]) -> LazyTensor:
    return LazyTensor("", (), "float32", Kind.OPTIMIZER, lambda: value.copy())


def _name(attribute: str, of: str | int | None = None) -> str:
    parts: Iterable[str] = ("optimizer", attribute, *([] if of is None else [str(of)]))
    return ".".join(parts)
