"""What differs between the backends: a host view out of a variable, and values into it.

Each file has the same verbs over NumPy:

- ``host_view(value)``: a variable's value as an array, without a copy where the backend lets it;
- ``buffer_for(variable)``: host memory of the variable's shape and dtype to be filled, by any
  thread;
- ``adopt(variable, buffer)``: make the filled memory the variable's value, on its devices;
- ``zeros(shape, dtype)``: a tensor for a variable that is about to be filled;
- ``ZEROS_ARE_SHARED``: whether several variables may hold the same zeros till then, as a value is
  put in the place of another and not written into it;
- ``order_of(value)``: the order of its axes in memory, None where nobody knows;
- ``lay_out(variable, order)``: give it memory of that order, where there is a choice, to be filled;
  None leaves it as it is. PyTorch multiplies by other routines where a matrix lies transposed, and
  the last bit differs; orthogonal kernels lie so;
- ``states_in(thing)``, ``states_of(layer)``: what the backend trains or changes without Keras;
- ``generator_state()``: of the generator that the backend has for all, None where it has none.
- ``randomness_apart()``: a scope of other random numbers, after which those of before go on.

And where the devices of a mesh hold a variable together, which so far only JAX has:

- ``boxes_of(variable)``: the parts that the devices of this process hold, each once;
- ``adopt_boxes(variable, buffers)``: make memory filled with those parts the variable's value;
- ``own_pieces(value, turn)``: what gives the parts that this process has to write, None where
  it has all devices;
- ``spread_source(value)``: what gives it some rows at a time, None where `host_view`
  does without a copy;
- ``blank(shape, dtype, layout)``: zeros in a layout;
- ``processes()``: those that run the program together, None where it is one.

On the CPU a value is so written once, from the file's memory map into the memory that the backend
goes on with. One process has one backend, so the one that Keras runs on is bound here at import.
"""

from __future__ import annotations

import keras

from kport.errors import BackendError

if keras.backend.backend() == "jax":
    from kport.model.backends._jax_mesh import (
        adopt_boxes,
        blank,
        boxes_of,
        own_pieces,
        processes,
        spread_source,
    )
else:
    from kport.model.backends._one_device import (
        adopt_boxes,
        blank,
        boxes_of,
        own_pieces,
        processes,
        spread_source,
    )

if keras.backend.backend() == "torch":
    from kport.model.backends._torch_order import lay_out, order_of
else:
    from kport.model.backends._one_order import lay_out, order_of

if keras.backend.backend() == "torch":
    from kport.model.backends._torch import (
        ZEROS_ARE_SHARED,
        adopt,
        buffer_for,
        generator_state,
        host_view,
        randomness_apart,
        states_in,
        states_of,
        zeros,
    )
elif keras.backend.backend() == "jax":
    from kport.model.backends._jax import (
        ZEROS_ARE_SHARED,
        adopt,
        buffer_for,
        generator_state,
        host_view,
        randomness_apart,
        states_in,
        states_of,
        zeros,
    )
elif keras.backend.backend() == "tensorflow":
    from kport.model.backends._tensorflow import (
        ZEROS_ARE_SHARED,
        adopt,
        buffer_for,
        generator_state,
        host_view,
        randomness_apart,
        states_in,
        states_of,
        zeros,
    )
else:
    raise BackendError(
        f"kport does not run on the Keras backend {keras.backend.backend()!r}",
        remedy="Set KERAS_BACKEND to tensorflow, jax or torch before importing keras.",
    )

__all__ = [
    "ZEROS_ARE_SHARED",
    "adopt",
    "adopt_boxes",
    "blank",
    "boxes_of",
    "buffer_for",
    "generator_state",
    "host_view",
    "lay_out",
    "order_of",
    "own_pieces",
    "processes",
    "randomness_apart",
    "spread_source",
    "states_in",
    "states_of",
    "zeros",
]
