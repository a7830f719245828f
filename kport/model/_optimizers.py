"""Build optimizers as they were: with the slots they had, leaving out of decay what they did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import keras

from kport.checkpoint import Kind, ModelSpec
from kport.errors import LoadError, mapped
from kport.model._keras import trained_variables
from kport.model._keras_trainer import exempt_from_decay
from kport.model._keras_variables import order_variables
from kport.model._training import compile_again
from kport.model._walk import Walk, walk

__all__ = ["build_optimizers", "exempt"]


def exempt(found: Walk) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield path of an optimizer and names of the variables that its weight decay leaves out."""
    for path, optimizer in found.optimizers():
        names = [
            name
            for name, one in found.variables.items()
            if found.kinds[name] is Kind.PARAMETER and exempt_from_decay(optimizer, one)
        ]
        if names:
            yield path, tuple(names)


def build_optimizers(model: keras.Model, spec: ModelSpec) -> None:
    """Let each optimizer that was built have the slots it had, and exempt what it did."""
    found = walk(model)
    if _compile_parts_again(found, spec):
        found = walk(model)
    _order_quantized(found, spec)
    for path, optimizer in found.optimizers():
        if path in spec.exempt and not optimizer.built:
            optimizer.exclude_from_weight_decay(_variables(found, spec.exempt[path]))
    for path, optimizer in found.optimizers():
        if path in spec.trained and not optimizer.built and not _is_inner(path, found):
            rows = [spec.trained[path], *_inner_rows(path, spec)]
            with mapped(LoadError, f"the optimizer {path} cannot be built"):
                optimizer.build(_variables(found, rows[0] or chain(*rows)))


def _order_quantized(found: Walk, spec: ModelSpec) -> None:
    trained = _variables(found, chain(*spec.trained.values()))
    rank = {id(one): -at for at, one in enumerate(reversed(trained))}  # the first time counts
    for _, layer in found.layers():
        if layer.quantization_mode:
            order_variables(layer, rank)


def _compile_parts_again(found: Walk, spec: ModelSpec) -> bool:
    """Give models inside the model new optimizers, where Keras has built them already.

    It builds them for all that could be trained now, and that may be less than it was. Say
    whether any was such a model.
    """
    names, any_new = found.names(), False
    for owner in found.owners:
        optimizer = getattr(owner.thing, "optimizer", None) if owner.path else None
        if isinstance(owner.thing, keras.Model) and optimizer is not None and optimizer.built:
            row = tuple(names.get(id(one), "") for one in trained_variables(optimizer))
            if row != spec.trained.get(f"{owner.path}.optimizer"):
                any_new = True
                for _ in compile_again(owner.thing, owner.thing.get_compile_config()):
                    pass  # a part with a compile() of its own was not compiled by Keras
    return any_new


def _variables(found: Walk, names: Iterable[str]) -> list[keras.Variable]:
    return [found.variables[name] for name in names if name in found.variables]


def _inner_rows(path: str, spec: ModelSpec) -> Iterator[tuple[str, ...]]:
    for inner, names in spec.trained.items():
        if inner.startswith(f"{path}."):
            yield names


def _is_inner(path: str, found: Walk) -> bool:
    return any(path.startswith(f"{outer}.") for outer, _ in found.optimizers())
