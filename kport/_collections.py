"""Let Python's garbage collector rest while a model is loaded or saved."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quick_collections"]


@contextmanager
def quick_collections() -> Iterator[None]:
    """Collect nothing in the block, or only among what it makes where Keras asks for it.

    A model is hundreds of thousands of objects that all stay; Python would walk through them again
    each time some more are there, a third of the time that 10,000 variables take. Keras collects by
    itself, at each variable that a layer gives up when it is quantized, and such a collection walks
    all that Keras and the backend consist of, 0.3 s with PyTorch. A process that keeps things out
    of collections itself, as servers do before they fork, has that left as it is.
    """
    enabled, frozen = gc.isenabled(), gc.get_freeze_count() > 0
    gc.disable()
    if not frozen:
        gc.freeze()
    try:
        yield
    finally:
        if not frozen:
            gc.unfreeze()
        if enabled:
            gc.enable()
