"""The weights of Keras 1 in the order and form of Keras 2.

Each weight's name tells its layer and what it is: ``lstm_1_W_i:0``; under Theano without the colon.
Source: ``keras/layers/`` of Keras 1.2.2 (``build``) and Keras 2.2.4, ``keras/engine/saving.py``
(``preprocess_weights_for_loading``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from kport.checkpoint import JSON, Array, LazyTensor
from kport.errors import Problem

__all__ = ["arranged", "named_by_keras_1"]

_GATE = re.compile(r"(?P<layer>.*)_(?P<part>[WUb])_(?P<gate>[icfozrh])")
_KERNEL = re.compile(r"(?P<layer>.*)_W")
_LSTM, _GRU = "ifco", "zrh"  # the gates side by side, as Keras 2 has them


_UNSURE = (
    "running_std is a standard deviation in Keras 1.0.0 to 1.0.6 and a variance later, and a file "
    "of weights alone does not tell which Keras wrote it"
)
_NAMES = re.compile(r"[^/]*_(?:[WUb](?:_[icfozrh])?|running_(?:mean|std)|gamma|beta|alphas)(?::0)?")


def named_by_keras_1(names: Sequence[str]) -> bool:
    """Say whether Keras 1 named them: ``dense_1_W``, where Keras 2 says ``dense_1/kernel``."""
    return bool(names) and all(_NAMES.fullmatch(name) for name in names)


@dataclass(frozen=True, slots=True)
class _Weight:
    name: str
    tensor: LazyTensor


def arranged(
    tensors: Sequence[LazyTensor], names: Sequence[str], config: Any
) -> tuple[list[LazyTensor], list[Problem]]:
    """Return the tensors of one layer as Keras 2 would have written them.

    Arguments:
        tensors: As the file has them.
        names: The names of the weights in the file.
        config: The model's config in Keras 1's words, None where the file has none.
    """
    problems: list[Problem] = []
    weights = [_Weight(name, one) for name, one in zip(names, tensors, strict=True)]
    found: list[LazyTensor] = []
    if config is None and any("_running_std" in name for name in names):
        problems.append(Problem(names[0].rpartition("_")[0], _UNSURE))
    for key, group in groupby(weights, _gates):
        members = list(group)
        if key is None:
            found += [_kernel(one, config, problems) for one in members]
        else:
            found += _joined(key, members, config, problems)
    found = [
        replace(one, position=replace(one.position, index=index)) if one.position else one
        for index, one in enumerate(found)
    ]
    return found, problems


def _gates(weight: _Weight) -> str | None:
    match = _GATE.fullmatch(weight.name.partition(":")[0])
    return match["layer"] if match else None


def _joined(
    layer: str, members: list[_Weight], config: Any, problems: list[Problem]
) -> list[LazyTensor]:
    """Return kernel, recurrent kernel and bias of the gates."""
    parts: dict[str, dict[str, LazyTensor]] = {"W": {}, "U": {}, "b": {}}
    for one in members:
        match = _GATE.fullmatch(one.name.partition(":")[0])
        if match:
            parts[match["part"]][match["gate"]] = _kernel(one, config, problems, layer)
    order = _LSTM if "f" in parts["W"] else _GRU
    if any(set(found) != set(order) for found in parts.values()):
        problems.append(Problem(layer, f"has other gates than {', '.join(order)}", "missing"))
        return [one.tensor for one in members]
    return [_side_by_side([found[gate] for gate in order]) for found in parts.values()]


def _side_by_side(tensors: list[LazyTensor]) -> LazyTensor:
    first = tensors[0]
    shape = (*first.shape[:-1], sum(one.shape[-1] for one in tensors))
    name = first.name.rpartition("_")[0]
    source = partial(_concatenated, tuple(tensors))
    return LazyTensor(name, shape, first.dtype, first.kind, source, position=first.position)


def _concatenated(tensors: tuple[LazyTensor, ...]) -> Array:
    return np.concatenate([one.read() for one in tensors], axis=-1)


def _kernel(
    weight: _Weight, config: Any, problems: list[Problem], layer: str | None = None
) -> LazyTensor:
    """Return a convolution's kernel as rows, columns, inputs, filters, whatever it was before."""
    name, tensor = weight.name.partition(":")[0], weight.tensor
    match = _KERNEL.fullmatch(name)
    if len(tensor.shape) not in (4, 5) or (match is None and layer is None):
        return tensor
    said = _said(config, layer or (match["layer"] if match else ""))
    theano = ":" not in weight.name
    if config is None and not theano and len(set(tensor.shape)) > 1:
        return tensor  # in another order it fits no layer, so the shapes will tell
    if said is None:
        text = "is a kernel, and the file does not say in which order its axes stand"
        problems.append(Problem(name, text))
        return tensor
    axes, kept = _axes(said, tensor.shape)
    sizes = [tensor.shape[axis] for axis in axes]
    shape = tuple(size for place, size in enumerate(sizes) if place in kept)
    return replace(tensor, shape=shape, source=partial(_turned, tensor, axes, shape, theano))


def _axes(said: JSON, shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the order of the axes, and which of them stay."""
    same = tuple(range(len(shape)))
    if said["class_name"].endswith("1D"):
        # length, 1, inputs, filters; in Keras 1.1 filters, inputs, length, 1
        return (same if shape[1] == 1 else (2, 3, 1, 0)), (0, 2, 3)
    if said["config"].get("dim_ordering") == "th":
        return (*same[2:], 1, 0), same
    return same, same


def _turned(
    tensor: LazyTensor, axes: tuple[int, ...], shape: tuple[int, ...], theano: bool
) -> Array:
    value = np.transpose(tensor.read(), axes).reshape(shape)
    if theano:  # which turns the kernel around, as convolutions in mathematics do
        value = np.flip(value, axis=tuple(range(len(shape) - 2)))
    return np.ascontiguousarray(value)


def _said(config: Any, name: str) -> Any:
    """Return the layer of that name in a config; a wrapper's inner layer has a prefix."""
    stems = {name, name.removeprefix("forward_"), name.removeprefix("backward_")}
    stack = [config]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            inner = node.get("config")
            if isinstance(inner, dict) and _is_leaf(node, inner) and inner.get("name") in stems:
                return node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return None


def _is_leaf(node: JSON, inner: JSON) -> bool:
    return "class_name" in node and not {"layer", "layers"} & inner.keys()
