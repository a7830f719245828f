"""kport's own optimizers step as those of Keras 2 did; each test says the old formula in NumPy."""

import numpy as np
import pytest

pytestmark = pytest.mark.backend

START = np.array([1.0, -2.0, 0.5])
# Small enough for epsilon to count, and one that is nothing.
GRADIENTS = [
    np.array([1e-5, -3e-4, 0.0]),
    np.array([-2e-5, 1e-2, 1.0]),
    np.array([0.0, 2.0, -1e-6]),
]
EPSILON, RATE = 1e-4, 0.1


def steps(name, **config):
    import keras

    from kport_compat.optimizers import register

    register()
    variable = keras.Variable(START, dtype="float32")
    made = keras.saving.get_registered_object(f"kport>{name}")
    optimizer = made.from_config(made(learning_rate=RATE, epsilon=EPSILON, **config).get_config())
    optimizer.build([variable])
    for gradient in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [variable])
        yield keras.ops.convert_to_numpy(variable)


def adagrad():
    variable, squares = START, np.zeros(3)
    for gradient in GRADIENTS:
        squares = squares + gradient**2
        variable = variable - RATE * gradient / (np.sqrt(squares) + EPSILON)
        yield variable


def rmsprop(centered):
    variable, squares, mean = START, np.zeros(3), np.zeros(3)
    for gradient in GRADIENTS:
        squares = 0.9 * squares + 0.1 * gradient**2
        mean = 0.9 * mean + 0.1 * gradient
        root = np.sqrt(squares - mean**2 if centered else squares)
        variable = variable - RATE * gradient / (root + EPSILON)
        yield variable


def rmsprop_with_momentum():
    variable, squares, momentum = START, np.zeros(3), np.zeros(3)
    for gradient in GRADIENTS:
        squares = 0.9 * squares + 0.1 * gradient**2
        momentum = 0.5 * momentum + RATE * gradient / np.sqrt(squares + EPSILON)
        variable = variable - momentum
        yield variable


def nadam(speed):
    variable, mean, squares, product = START, np.zeros(3), np.zeros(3), 1.0
    factor = [0.9 * (1 - 0.5 * 0.96 ** (speed * step)) for step in range(1, 5)]
    for step, gradient in enumerate(GRADIENTS):
        now, then = factor[step], factor[step + 1]
        product *= now
        mean = 0.9 * mean + 0.1 * gradient
        squares = 0.999 * squares + 0.001 * gradient**2
        ahead = then * mean / (1 - product * then) + (1 - now) * gradient / (1 - product)
        root = np.sqrt(squares / (1 - 0.999 ** (step + 1)))
        variable = variable - RATE * ahead / (root + EPSILON)
        yield variable


CASES = [
    ("LegacyAdagrad", {"initial_accumulator_value": 0.0}, adagrad()),
    ("LegacyRMSprop", {}, rmsprop(centered=False)),
    ("LegacyRMSprop", {"centered": True}, rmsprop(centered=True)),
    ("LegacyRMSprop", {"momentum": 0.5}, rmsprop_with_momentum()),
    ("LegacyNadam", {}, nadam(0.004)),
    ("LegacyNadam", {"schedule_decay": 0.02}, nadam(0.02)),
]


@pytest.mark.parametrize(("name", "config", "expected"), CASES)
def test_steps(name, config, expected):
    for found, wanted in zip(steps(name, **config), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-5)


def test_a_schedule_and_decay_together():
    import keras

    from kport_compat.optimizers import register

    register()
    inner = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.5)
    made = keras.saving.get_registered_object("kport>DecayedSchedule")
    rate = made.from_config(made(inner, 0.25).get_config())
    found = [float(rate(keras.ops.convert_to_tensor(step, "int32"))) for step in (0, 4, 10)]
    np.testing.assert_allclose(found, [0.5, 0.5 * 0.5**0.4 / 2, 0.25 / 3.5], rtol=1e-5)
