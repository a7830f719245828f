"""Which Keras wrote a checkpoint. Nothing in it says so, but names of objects tell some apart.

Keras 3 has functions that compute otherwise under the same name (`kport.model._drift`), so what
could be of either counts as Keras 2: a model without such a function loads all the same, and for
one with it an error that says what to do is better than a wrong number.

Sources: ``_trackable_children`` in ``keras/engine/functional.py`` of Keras 2.12; the attributes of
``keras/src/layers/layer.py``, ``core/dense.py`` and ``core/embedding.py`` of Keras 3.15.
"""

from __future__ import annotations

from collections.abc import Sequence

from kport_compat.tensorbundle import Tracked

__all__ = ["written_by"]

_UNKNOWN = "2, or one that cannot be told from it"
# A functional model of Keras 2 numbers its layers, one of Keras 3 tracks its books.
_KERAS_2 = "layer-0"
_KERAS_3 = frozenset({"_inbound_nodes", "_operations"})
# Alone they tell Keras 3: its Dense, convolution and Embedding keep their weights under these
# names, those of Keras 2 under the same without the underscore.
_HIDDEN = ("_kernel", "_embeddings")


def written_by(objects: Sequence[Tracked]) -> str:
    """Return the major version of the Keras that saved these objects, in words if it is open."""
    names = {name for one in objects for name in one.children}
    if _KERAS_2 in names:
        return "2"
    plain = names & {name.lstrip("_") for name in _HIDDEN}
    if names & _KERAS_3 or (not plain and not names.isdisjoint(_HIDDEN)):
        return "3"
    return _UNKNOWN
