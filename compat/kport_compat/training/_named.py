"""State whose names say which slot of which variable each value is.

``OptimizerV2`` (tf.keras up to 2.10, ``optimizers.legacy`` later) writes ``Adam/dense/kernel/m``,
Keras 2.11 and later ``Adam/m/dense/kernel`` or ``m/dense/kernel``, both below any name scope
(``training``, ``cond_1``). Names of Keras up to 2.3 (``training/Adam/Variable_3``) say nothing:
there the order counts, see ``_listed``.
"""

from __future__ import annotations

from collections.abc import Mapping

from kport.checkpoint import JSON, LazyTensor, Note
from kport_compat.training._listed import slot_after_slot
from kport_compat.training._state import Builder, Found, or_fresh
from kport_compat.training._tables import LOSS_SCALE, SCALARS, SlotKind, UnknownState

__all__ = ["named_state"]


def named_state(
    found: Mapping[str, LazyTensor],
    optimizer: JSON | None,
    weights: Mapping[str, str],
    ordered: bool = True,
) -> tuple[list[LazyTensor], list[Note]]:
    """Return the state with a `Slot` each; nothing but a note where it is not certain.

    Arguments:
        found: Name in the file -> tensor, in the order of the file.
        optimizer: The translated config of the optimizer, None where there is none.
        weights: Name of a variable -> name of its tensor, for those whose name stands for one.
        ordered: Whether the order counts where no name says anything; not where the config is
            another's than the file's.

    Example:
        >>> named_state({}, None, {})[1][0].outcome
        'dropped'
    """
    return or_fresh(lambda: _read(found, Builder(optimizer), weights, ordered))


def _read(
    found: Mapping[str, LazyTensor], state: Builder, weights: Mapping[str, str], ordered: bool
) -> tuple[list[LazyTensor], list[Note]]:
    slots: list[Found] = []
    strange: list[str] = []
    for name, tensor in found.items():
        segments = name.partition(":")[0].split("/")
        slot = _parsed(segments, state.kinds, weights, tensor)
        if segments[-1] in _SETTINGS:
            continue  # as the config says it
        if segments[-1] in SCALARS or segments[-1] in LOSS_SCALE:
            state.scalar(segments[-1], tensor)
        elif slot is None:
            strange.append(name)
        else:
            slots.append(slot)
    if strange and (slots or not ordered):
        raise UnknownState(f"its weight {strange[0]!r} is of no known slot")
    if strange:
        return slot_after_slot(list(found.values()), state.optimizer)
    state.slots(slots)
    return state.finish()


_SETTINGS = frozenset({"current_learning_rate", "learning_rate"})


def _parsed(
    segments: list[str], kinds: list[SlotKind], weights: Mapping[str, str], tensor: LazyTensor
) -> Found | None:
    by_token = {token: kind for kind in kinds for token in kind.tokens}
    for place, token in enumerate(segments):  # Adam/m/dense/kernel
        rest = "/".join(segments[place + 1 :])
        if token in by_token and rest in weights:
            return Found(by_token[token], rest, weights[rest], tensor)
    last = by_token.get(segments[-1])
    for start in range(len(segments) - 1):  # Adam/dense/kernel/m
        variable = "/".join(segments[start:-1])
        if last and variable in weights:
            return Found(last, variable, weights[variable], tensor)
    for place in (len(segments) - 1, *range(len(segments) - 1)):  # a variable renamed since
        if segments[place] in by_token and len(segments) > 1:
            variable = "/".join((*segments[:place], *segments[place + 1 :]))
            return Found(by_token[segments[place]], variable, None, tensor)
    return None
