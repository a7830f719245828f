"""What differs between the backends: a host view out of a variable, and values into it.

Each file has the same two verbs over NumPy. One process has one backend, so the one that Keras
runs on is bound here at import.
"""

from __future__ import annotations

import keras

from kport.errors import BackendError

if keras.backend.backend() == "torch":
    from kport.model.backends._torch import host_view, put
elif keras.backend.backend() == "jax":
    from kport.model.backends._jax import host_view, put
elif keras.backend.backend() == "tensorflow":
    from kport.model.backends._tensorflow import host_view, put
else:
    raise BackendError(
        f"kport does not run on the Keras backend {keras.backend.backend()!r}",
        remedy="Set KERAS_BACKEND to tensorflow, jax or torch before importing keras.",
    )

__all__ = ["host_view", "put"]
