"""Recurrent layers in ways that Keras 3 dropped; importing this module imports Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

__all__ = ["MASKED", "ResidualWrapper"]


def _masked(parent: Any) -> Any:
    """Return a layer that treats the padding of its input as Keras 2 does.

    Keras 3 (3.15, `Layer.__call__`) gives the argument ``mask`` to a layer called with one tensor;
    to one called with several it gives ``<argument>_mask`` alone, so that an LSTM with an initial
    state counts the padding of its input, which Keras 2 skips. Before the first step that counts,
    Keras 2 puts out zeros, and Keras 3 on JAX the state.
    """

    class Masked(parent):  # type: ignore[misc]  # Keras has no types
        def __init__(self, *args: Any, activity_regularizer: Any = None, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            # Keras 3 (3.15) takes it in SimpleRNN and forgets it.
            self.activity_regularizer = keras.regularizers.get(activity_regularizer)

        def call(
            self,
            sequences: Any,
            initial_state: Any = None,
            mask: Any = None,
            training: bool = False,
            sequences_mask: Any = None,
        ) -> Any:
            """Return what the layer of the same name does."""
            mask = sequences_mask if mask is None else mask
            found = super().call(
                sequences, initial_state=initial_state, mask=mask, training=training
            )
            if mask is None or isinstance(self, keras.layers.Bidirectional):
                return found
            if not self.return_state:
                return _from_first_step(self, found, mask)
            return (_from_first_step(self, found[0], mask), *found[1:])

    Masked.__name__ = Masked.__qualname__ = parent.__name__
    Masked.__doc__ = f"A {parent.__name__} that heeds the mask beside an initial state."
    return Masked


class _Turnable:
    """Let a recurrent layer take and give sequences with their steps before the batch.

    Such was ``time_major`` in Keras 2 (``keras/layers/rnn/base_rnn.py`` of 2.15).
    """

    def __init__(self, *args: Any, time_major: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.time_major = time_major

    def build(self: Any, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Build for sequences that have the batch first."""
        shape = self._turned_shape(sequences_shape)
        super().build(shape, initial_state_shape)  # type: ignore[misc]  # of the layer

    def call(
        self: Any,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
        sequences_mask: Any = None,
    ) -> Any:
        """Return what the layer does, the steps where the sequences have them."""
        found = super().call(  # type: ignore[misc]  # of the layer
            self._turned(sequences),
            initial_state=initial_state,
            mask=self._turned(mask),
            training=training,
            sequences_mask=self._turned(sequences_mask),
        )
        return self._given(found, self._turned)

    def compute_output_shape(
        self: Any, sequences_shape: Any, initial_state_shape: Any = None
    ) -> Any:
        """Return the shapes, the steps where the sequences have them."""
        shape = self._turned_shape(sequences_shape)
        found = super().compute_output_shape(  # type: ignore[misc]  # of the layer
            shape, initial_state_shape
        )
        return self._given(found, self._turned_shape)

    def get_config(self: Any) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"time_major": True} if self.time_major else {}
        return {**super().get_config(), **own}  # type: ignore[misc]  # of the layer

    def _given(self: Any, found: Any, turn: Callable[[Any], Any]) -> Any:
        if not self.return_sequences:
            return found
        return (turn(found[0]), *found[1:]) if self.return_state else turn(found)

    def _turned(self: Any, tensor: Any) -> Any:
        turn = self.time_major and tensor is not None
        return ops.swapaxes(tensor, 0, 1) if turn else tensor

    def _turned_shape(self: Any, shape: Any) -> Any:
        return (shape[1], shape[0], *shape[2:]) if self.time_major else shape


def _turnable(parent: Any) -> Any:
    return type(parent.__name__, (_Turnable, parent), {"__doc__": parent.__doc__})


def _from_first_step(layer: Any, outputs: Any, mask: Any) -> Any:
    """Return the outputs, zero before the first step that the mask lets through."""
    steps = ops.cast(ops.reshape(mask, (-1, mask.shape[1])), "int32")
    seen = ops.cumsum(ops.flip(steps, 1) if layer.go_backwards else steps, 1) > 0
    seen = seen if layer.return_sequences else seen[:, -1]

    def zeroed(output: Any) -> Any:
        rest = (1,) * (len(output.shape) - len(seen.shape))
        there = ops.reshape(seen, (-1, *seen.shape[1:], *rest))
        return ops.where(there, output, ops.zeros_like(output))

    return keras.tree.map_structure(zeroed, outputs)


MASKED = {
    one.__name__: keras.saving.register_keras_serializable("kport")(one)
    for one in (
        *(
            _turnable(_masked(parent))
            for parent in (
                keras.layers.LSTM,
                keras.layers.GRU,
                keras.layers.SimpleRNN,
                keras.layers.RNN,
            )
        ),
        _masked(keras.layers.Bidirectional),
    )
}
"""Class name -> the class that heeds masks beside an initial state."""


@keras.saving.register_keras_serializable("kport")
class ResidualWrapper(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Add the inputs of a cell to its outputs (``keras/layers/rnn/cell_wrappers.py``, 2.15)."""

    def __init__(self, cell: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cell = keras.saving.deserialize_keras_object(cell) if isinstance(cell, dict) else cell
        self.state_size = self.cell.state_size
        self.output_size = self.cell.output_size

    def build(self, input_shape: Any) -> None:
        """Build the cell inside."""
        if not self.cell.built:
            self.cell.build(input_shape)

    def get_initial_state(self, batch_size: Any = None) -> Any:
        """Return the state of the cell inside."""
        return self.cell.get_initial_state(batch_size=batch_size)

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        """Return the sum and the new states."""
        outputs, states = self.cell(inputs, states)
        return keras.tree.map_structure(lambda a, b: a + b, inputs, outputs), states

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        inner = keras.saving.serialize_keras_object(self.cell)
        return {**super().get_config(), "cell": inner}
