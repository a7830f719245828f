"""The models of the zoo, trained a little, as scenarios."""

from __future__ import annotations

from collections.abc import Callable

import keras
import zoo

from scenarios._core import Call, scenario

_ROWS = {
    "nested": ("nested_sub_nobuild", "nested_layers_nobuild"),
    "sequential": ("batchnorm_trained",),
}
# What the rounding of bfloat16 allows: the backends round at different steps of a layer.
_TOLERANCE = {"mixed": 2e-2}


def _of_zoo(kind: str) -> Callable[[], tuple[keras.Model, Call]]:
    def make() -> tuple[keras.Model, Call]:
        model, inputs = zoo.build(kind)
        if kind != "preprocessing":  # integers have no gradient to train through
            zoo.train(model, inputs)
        return model, ((inputs,), {"training": False})

    make.__name__ = f"zoo_{kind}"
    return make


for _kind in zoo.KINDS:
    _enter = scenario(*_ROWS.get(_kind, ()), tolerance=_TOLERANCE.get(_kind, 1e-5))
    _enter(_of_zoo(_kind))
