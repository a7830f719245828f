"""How do I train nested sub-models together and apart with my own loop, and save in between?

    KERAS_BACKEND=torch python examples/nested_training.py

An autoencoder of two sub-models is trained by a loop of its own, one gradient step a backend. Then
the encoder is frozen and the decoder trained alone; half-way the model is saved and loaded, and
goes on to the very weights it would have had without the break.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

import kport


@kport.register("examples")
class Autoencoder(keras.Model):
    """Two sub-models, given as arguments; no get_config and no build() needed."""

    def __init__(self, encoder: keras.Model, decoder: keras.Model) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def call(self, x: Any, training: bool = False) -> Any:
        return self.decoder(self.encoder(x, training=training), training=training)


def new_model() -> Autoencoder:
    layers = keras.layers
    encoder = keras.Sequential([layers.Dense(16, "tanh"), layers.BatchNormalization()])
    decoder = keras.Sequential([layers.Dropout(0.1, seed=1), layers.Dense(8)])
    model = Autoencoder(encoder, decoder)
    model(np.zeros((1, 8), "float32"))
    model.compile(keras.optimizers.Adam(1e-2), "mse")
    return model


def loss_of(predicted: Any, x: Any) -> Any:
    return keras.ops.mean(keras.ops.square(predicted - x))


def step_on_tensorflow(model: keras.Model, x: Any) -> Any:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = loss_of(model(x, training=True), x)
    model.optimizer.apply(tape.gradient(loss, model.trainable_weights), model.trainable_weights)
    return loss


def step_on_jax(model: keras.Model, x: Any) -> Any:
    import jax

    def run(trainable: Any, rest: Any) -> Any:
        predicted, rest = model.stateless_call(trainable, rest, x, training=True)
        return loss_of(predicted, x), rest

    values = [variable.value for variable in model.trainable_variables]
    others = [variable.value for variable in model.non_trainable_variables]
    (loss, others), gradients = jax.value_and_grad(run, has_aux=True)(values, others)
    for variable, value in zip(model.non_trainable_variables, others, strict=True):
        variable.assign(value)
    model.optimizer.apply(gradients, model.trainable_variables)
    return loss


def step_on_torch(model: keras.Model, x: Any) -> Any:
    import torch

    model.zero_grad()
    loss = loss_of(model(x, training=True), x)
    loss.backward()
    with torch.no_grad():
        gradients = [variable.value.grad for variable in model.trainable_weights]
        model.optimizer.apply(gradients, model.trainable_weights)
    return loss.detach()


STEPS = {"tensorflow": step_on_tensorflow, "jax": step_on_jax, "torch": step_on_torch}


def train(model: keras.Model, batches: list[Any]) -> float:
    step = STEPS[keras.backend.backend()]
    losses = [float(step(model, keras.ops.convert_to_tensor(batch))) for batch in batches]
    return sum(losses) / len(losses)


def freeze_encoder(model: keras.Model) -> None:
    kport.freeze(model, "encoder")
    model.compile(keras.optimizers.Adam(1e-2), "mse")  # as Keras asks after such a change


def main(folder: Path) -> None:
    keras.utils.set_random_seed(1)
    numbers = np.random.default_rng(0)
    batches = [numbers.normal(size=(32, 8)).astype("float32") for _ in range(20)]

    model = new_model()
    print(f"together: loss {train(model, batches):.3f}")
    freeze_encoder(model)
    encoder = [keras.ops.convert_to_numpy(weight) for weight in model.encoder.weights]
    print(f"the decoder alone: loss {train(model, batches):.3f}")
    kport.save(model, folder / "half_way")
    print(f"and on: loss {train(model, batches):.3f}")

    again = kport.load(folder / "half_way")  # weights, slots, frozen parts, the dropout's seed
    print(f"after a break: loss {train(again, batches):.3f}")
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other)
        )
    for before, weight in zip(encoder, again.encoder.weights, strict=True):
        np.testing.assert_array_equal(before, keras.ops.convert_to_numpy(weight))
    print("bit for bit what it is without the break; the frozen encoder has not moved")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
