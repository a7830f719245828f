"""Assert that a layer or model of a user's comes back whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kport._api import load
from kport._diff import diff
from kport._save import save
from kport.components import must_be_named
from kport.model import run_sample
from kport.parity import verify

__all__ = ["assert_portable"]


def assert_portable(
    layer: keras.Layer,
    inputs: Any,
    *,
    targets: Any = None,
    backends: Sequence[str] = (),
    imports: Sequence[str] = (),
) -> None:
    """Assert that a layer or model is the same after it was saved and loaded.

    It is saved as an archive and as a bundle, loaded, and saved again: definition, flags and every
    value must be the same, and outputs to the last bit, in inference and in training. With targets
    both also train a step, after which weights and slots must be the same. Random numbers of the
    process begin at ``keras.utils.set_random_seed(0)``; the layer itself is called and trained.

    Arguments:
        layer: A layer or model, built or not; compiled where there are targets.
        inputs: What it is called with: an array, or nested lists and dicts of arrays. A dict has
            the arguments by name where `call` must have several.
        targets: What it is to give, to train it by.
        backends: Other backends that must give the same outputs, within the tolerance of its
            dtype: ``tensorflow``, ``jax``, ``torch``. Each loads it in a process of its own.
        imports: Modules with the classes of the layer, or functions of it: ``module:function``.

    Raises:
        AssertionError: With all that is not the same.
        KportError: It cannot be saved or loaded.

    Example:
        >>> kport.testing.assert_portable(keras.layers.Dense(3), np.ones((2, 4), "float32"))
    """
    model = layer
    if not isinstance(model, keras.Model):
        model, inputs = _model_around(layer, inputs), keras.tree.flatten(inputs)
    run_sample(model, inputs)
    with tempfile.TemporaryDirectory() as folder:
        problems = [
            f"{name}: {problem}"
            for name in ("model.keras", "bundle")
            for problem in _problems(model, inputs, targets, Path(folder) / name)
        ]
        if backends:
            save(model, Path(folder) / "proof", sample=inputs)
            problems += _elsewhere(Path(folder) / "proof", backends, imports)
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise AssertionError(f"{layer.name} is not the same after loading:\n{lines}")


def _model_around(layer: keras.Layer, inputs: Any) -> keras.Model:
    """Return a model of one layer, which takes the arrays of the inputs in a row."""
    entries = keras.tree.map_structure(_entry, inputs)
    names = must_be_named(layer.call)
    by_name = names and isinstance(entries, dict) and set(names) <= entries.keys()
    outputs = layer(**entries) if by_name else layer(entries)
    return keras.Model(keras.tree.flatten(entries), outputs)


def _entry(values: Any) -> Any:
    array = np.asarray(values)
    return keras.Input(array.shape[1:], dtype=str(array.dtype))


def _problems(model: keras.Model, inputs: Any, targets: Any, path: Path) -> Iterator[str]:
    save(model, path)
    loaded: keras.Model = load(path)
    yield from _differences(loaded, path)
    for training in (False, True):
        before, after = (_outputs(one, inputs, training) for one in (model, loaded))
        if not _same(before, after):
            yield f"its outputs are others {'in training' if training else 'in inference'}"
    if targets is not None:
        for one in (model, loaded):
            keras.utils.set_random_seed(0)
            one.train_on_batch(inputs, targets)
        save(model, path)
        yield from (f"after a step of training: {one}" for one in _differences(loaded, path))


def _elsewhere(path: Path, backends: Sequence[str], imports: Sequence[str]) -> Iterator[str]:
    for row in verify(path, backends=backends, imports=imports).rows:
        if not row.ok:
            yield f"on {row.backend}: {row.error or f'its outputs differ by {row.max_rel:.1e}'}"


def _differences(loaded: keras.Model, path: Path) -> Iterator[str]:
    again = path.with_name(f"again_{path.name}")
    save(loaded, again)
    for one in diff(path, again).differences:
        yield f"{one.what} {one.place}: was {one.first}, is {one.second} {one.detail}".rstrip()


def _outputs(model: keras.Model, inputs: Any, training: bool) -> Any:
    keras.utils.set_random_seed(0)
    return run_sample(model, inputs, training=training)


def _same(first: Any, second: Any) -> bool:
    one, other = keras.tree.flatten(first), keras.tree.flatten(second)
    return len(one) == len(other) and all(
        a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(one, other, strict=True)
    )
