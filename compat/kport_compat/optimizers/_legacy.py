"""Optimizers of Keras 1 and 2; importing this module imports Keras.

``OptimizerV2`` (tf.keras up to 2.10, ``optimizers.legacy`` later) and the optimizers before it add
``epsilon`` to a root where Keras 3 adds it below, which is another step wherever the gradients are
small; and their Nadam has a momentum schedule some hundred times slower. Sources:
``keras/optimizers/legacy/{adagrad,nadam,rmsprop}.py`` of Keras 2.12 (`_resource_apply_dense`) and
``keras/optimizers.py`` of Keras 2.3 (`get_updates`).

The slots are those of the classes they derive from, whose names Keras does not publish
(``_accumulators`` and so on); tests/compat/test_legacy_optimizers.py fails when they change.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["LegacyAdagrad", "LegacyNadam", "LegacyRMSprop"]


@keras.saving.register_keras_serializable("kport")
class LegacyAdagrad(keras.optimizers.Adagrad):  # type: ignore[misc]  # Keras has no types
    """Adagrad that divides by ``sqrt(accumulator) + epsilon``."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        accumulator = self._accumulators[self._get_variable_index(variable)]
        self.assign_add(accumulator, ops.square(gradient))
        root = ops.add(ops.sqrt(accumulator), self.epsilon)
        self.assign_sub(variable, ops.divide(ops.multiply(rate, gradient), root))


@keras.saving.register_keras_serializable("kport")
class LegacyRMSprop(keras.optimizers.RMSprop):  # type: ignore[misc]  # Keras has no types
    """RMSprop that divides by ``sqrt(velocity) + epsilon``.

    With momentum ``OptimizerV2`` ran another kernel, which computes as Keras 3 does; so does this.
    """

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        if self.momentum > 0:
            super().update_step(gradient, variable, learning_rate)
            return
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        index = self._get_variable_index(variable)
        velocity = self._velocities[index]
        self.assign(velocity, self._mean(velocity, ops.square(gradient)))
        squares = ops.convert_to_tensor(velocity)
        if self.centered:
            average = self._average_gradients[index]
            self.assign(average, self._mean(average, gradient))
            squares = ops.subtract(squares, ops.square(average))
        root = ops.add(ops.sqrt(squares), self.epsilon)
        self.assign_sub(variable, ops.divide(ops.multiply(rate, gradient), root))

    def _mean(self, old: Any, new: Any) -> Any:
        return ops.add(ops.multiply(self.rho, old), ops.multiply(1 - self.rho, new))


@keras.saving.register_keras_serializable("kport")
class LegacyNadam(keras.optimizers.Nadam):  # type: ignore[misc]  # Keras has no types
    """Nadam whose momentum schedule runs ``schedule_decay`` times as fast as Keras 3's."""

    def __init__(self, *args: Any, schedule_decay: float = 0.004, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.schedule_decay = schedule_decay

    def _backend_update_step(self, grads: Any, variables: Any, learning_rate: Any) -> None:
        # Keras's own Nadam multiplies here by the factor of its own schedule.
        self.assign(self._u_product, self._u_product * self._factor(1, self._u_product.dtype))
        super(keras.optimizers.Nadam, self)._backend_update_step(grads, variables, learning_rate)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        dtype = variable.dtype
        rate, gradient = ops.cast(learning_rate, dtype), ops.cast(gradient, dtype)
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index], self._velocities[index]
        now, then = self._factor(1, dtype), self._factor(2, dtype)
        product = ops.cast(self._u_product, dtype)
        self.assign_add(momentum, (gradient - momentum) * (1 - self.beta_1))
        self.assign_add(velocity, (ops.square(gradient) - velocity) * (1 - self.beta_2))
        mean = then * momentum / (1 - product * then) + (1 - now) * gradient / (1 - product)
        step = ops.cast(self.iterations + 1, dtype)
        square = velocity / (1 - ops.power(ops.cast(self.beta_2, dtype), step))
        self.assign_sub(variable, rate * mean / (ops.sqrt(square) + self.epsilon))

    def _factor(self, ahead: int, dtype: Any) -> Any:
        step = ops.cast(self.iterations + ahead, dtype)
        power = ops.power(ops.cast(0.96, dtype), self.schedule_decay * step)
        return self.beta_1 * (1.0 - 0.5 * power)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "schedule_decay": self.schedule_decay}
