"""Functions that Keras 3 computes otherwise than Keras 2 under the same name.

Where the config of a layer comes out of an old file, the reader translates it. Code of a user's
that makes layers itself gets Keras 3's function, and old weights were not trained for that.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras

from kport.checkpoint import Checkpoint
from kport.errors import LoadError, Problem
from kport.model._plan import Plan
from kport.model._walk import Walk

__all__ = ["refuse_drift"]

_PLACES = ("activation", "recurrent_activation")


def refuse_drift(checkpoint: Checkpoint, found: Walk, plan: Plan) -> None:
    """Refuse weights of Keras 1 or 2 for a model that computes something else with them.

    Raises:
        LoadError: Some layers do; all are named.
    """
    version = checkpoint.provenance.get("keras", "2" if plan.by_keras_2 else "")
    problems = list(_problems(found)) if version.startswith(("1", "2")) else []
    if problems:
        raise LoadError(
            f"is of Keras {version}, whose hard_sigmoid is another function",
            problems=problems,
            remedy="Give these layers the function of the file in its place: "
            "lambda x: keras.ops.clip(0.2 * x + 0.5, 0, 1); or, should the file be of Keras 3, "
            "lambda x: keras.activations.hard_sigmoid(x).",
        )


def _problems(found: Walk) -> Iterator[Problem]:
    for path, layer in found.layers():
        for place in _PLACES:
            if getattr(layer, place, None) is keras.activations.hard_sigmoid:
                text = "is relu6(x + 3) / 6 in the code here, clip(0.2 * x + 0.5, 0, 1) in the file"
                yield Problem(".".join(one for one in (path, place) if one), text)
