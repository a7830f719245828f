"""Random trees of layers and models, each of which Keras can build and call.

A tree is the name of a leaf, or what holds its parts and the trees of these.
"""

from __future__ import annotations

from typing import Any

import keras
from hypothesis import strategies as st
from parts import BATCH, GRAPHS, HOLDERS, LEAVES, WIDTH, Calls, Group, Inputs, Sub, Tied

import kport

__all__ = ["TREES", "Tree", "grow", "holds"]

Tree = Any
SHARED: dict[str, Tree] = {
    "shared": "dense",
    "shared_model": ("sequential", ["dense"]),
    "shared_graph": ("functional", ["norm", "noise"]),
    "shared_group": ("group object", ["dense", "activation"]),
}
COUNTS = {  # of the parts that each may have
    "sequential": (1, 3),
    "functional": (1, 2),
    "named": (2, 2),
    "twice": (1, 1),
    **{f"group {holder}": (2, 3) for holder in HOLDERS},
    "sub": (2, 2),
    "tied": (1, 1),
    "code": (1, 1),
    "lazy": (1, 1),
    **{f"inputs{words}": (3, 3) for words in ("", " more", " gate", " more gate")},
}


def holds(tree: Tree, *leaves: str) -> bool:
    return any(f"'{leaf}'" in repr(tree) for leaf in leaves)


def _around(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    # Where Keras traces what is around, to build what has no build(), it can neither make a state
    # nor, on TensorFlow, quantize a value.
    made_in_build = inner.filter(lambda tree: not holds(tree, "stateful", "quantized"))
    return st.one_of(
        st.tuples(
            st.just(kind),
            st.lists(made_in_build if kind == "lazy" else inner, min_size=least, max_size=most),
        )
        for kind, (least, most) in COUNTS.items()
    )


TREES = st.recursive(st.sampled_from([*sorted(LEAVES), *sorted(SHARED)]), _around, max_leaves=6)


def grow(tree: Tree) -> Any:
    return _Grower(tree).grow(tree)


class _Grower:
    def __init__(self, whole: Tree) -> None:
        self.shared: dict[str, Any] = {}
        # What is around a layer with a state for each row of a batch takes batches of its size.
        self.batch = BATCH if holds(whole, "stateful") else None

    def grow(self, tree: Tree) -> Any:
        if isinstance(tree, str):
            return self.leaf(tree)
        (kind, *words), parts = tree[0].split(), tree[1]
        if kind in _BY_CODE:
            return _BY_CODE[kind](parts[0])
        grown = [self.grow(part) for part in parts]
        entry = keras.Input((WIDTH,), batch_size=self.batch)
        if kind == "sequential":
            return keras.Sequential([entry, *grown])
        if kind in GRAPHS:
            return keras.Model(entry, GRAPHS[kind](entry, *grown))
        if kind == "group":
            return Group(words[0], grown)
        if kind == "inputs":
            return Calls(Inputs(*grown), "more" in words, "gate" in words)
        return {"sub": Sub, "tied": Tied}[kind](*grown)

    def leaf(self, name: str) -> Any:
        if name in LEAVES:
            return LEAVES[name]()
        if name not in self.shared:
            self.shared[name] = self.grow(SHARED[name])
        return self.shared[name]


@kport.register("trees")
class Code(keras.Model):
    """Makes everything itself, as a tree says; calls some of it in training alone."""

    def __init__(self, tree: Tree) -> None:
        super().__init__()
        self.tree = tree
        grower = _Grower(tree)
        self.main, self.training_only = grower.grow(tree), grower.grow(tree)

    def call(self, x: Any, training: bool = False) -> Any:
        y = self.main(x)
        return keras.ops.add(y, self.training_only(x)) if training else y


@kport.register("trees")
class Lazy(keras.layers.Layer):
    """Makes its parts in build()."""

    def __init__(self, tree: Tree) -> None:
        super().__init__()
        self.tree = tree

    def build(self, shape: Any) -> None:
        self.inner = grow(self.tree)
        if not self.inner.built:
            self.inner.build(shape)
        self.bias = self.add_weight(shape=(shape[-1],), initializer="zeros")

    def call(self, x: Any) -> Any:
        return keras.ops.add(self.inner(x), self.bias)


_BY_CODE = {"code": Code, "lazy": Lazy}
