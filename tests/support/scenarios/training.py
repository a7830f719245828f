"""Compiled models: optimizers, losses, metrics and what a custom train_step keeps for itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from scenarios._core import Call, batch, component, scenario, simple

Dense = keras.layers.Dense
optimizers = keras.optimizers


def plain(*, dtype: str | None = None) -> keras.Model:
    return keras.Sequential(
        [keras.Input((3,)), Dense(4, activation="tanh", dtype=dtype), Dense(2, dtype=dtype)]
    )


def train(model: keras.Model, outputs: Any = 2, steps: int = 3) -> None:
    """Train on random targets: a number of columns, or a nested structure of them."""
    targets = keras.tree.map_structure(lambda size: batch(4, size), outputs)
    for _ in range(steps):
        model.train_on_batch(batch(4, 3), targets)


@component
class Head(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.out = Dense(4, activation="tanh"), Dense(2)

    def call(self, x: Any) -> Any:
        return self.out(self.hidden(x))


@component
class Heads(keras.Model):
    """Two outputs by name."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Dense(2), Dense(2)

    def call(self, x: Any) -> Any:
        return {"a": self.first(x), "b": self.second(x)}


@scenario()
def compiled_and_never_trained() -> tuple[keras.Model, Call]:
    model = plain()
    model.compile(optimizers.Adam(0.01), "mse", metrics=["mae"])
    return simple(model)


@scenario()
def an_optimizer_built_and_never_used() -> tuple[keras.Model, Call]:
    model = plain()
    model.compile(optimizers.Adam(0.01), "mse")
    model.optimizer.build(model.trainable_variables)
    return simple(model)


@scenario()
def compiled_before_it_was_built() -> tuple[keras.Model, Call]:
    model = Head()
    model.compile(optimizers.AdamW(0.01), "mse", metrics=["mae"])
    return simple(model)


@scenario()
def metrics_of_a_subclassed_model() -> tuple[keras.Model, Call]:
    model = Head()
    model.compile("adam", "mse", metrics=["mae", keras.metrics.MeanSquaredError(name="square")])
    train(model)
    return simple(model)


@scenario()
def accuracy_of_classes_by_number() -> tuple[keras.Model, Call]:
    model = Head()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(True), metrics=["accuracy"])
    for _ in range(3):
        model.train_on_batch(batch(4, 3), np.array([0, 1, 1, 0]))
    return simple(model)


@scenario()
def accuracy_of_one_column() -> tuple[keras.Model, Call]:
    model = keras.Sequential([keras.Input((3,)), Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"], weighted_metrics=["auc"])
    model.train_on_batch(batch(4, 3), np.array([[0.0], [1], [1], [0]]))
    return simple(model)


def two_outputs(structure: Callable[[Any, Any], Any]) -> keras.Model:
    entry = keras.Input((3,))
    return keras.Model(entry, structure(Dense(2, name="a")(entry), Dense(2, name="b")(entry)))


@scenario()
def a_loss_for_each_of_two_outputs() -> tuple[keras.Model, Call]:
    model = two_outputs(lambda a, b: [a, b])
    model.compile("adam", ["mse", "mae"], loss_weights=[1.0, 0.5], metrics=[["mae"], ["mse"]])
    train(model, [2, 2])
    return simple(model)


@scenario()
def losses_by_name() -> tuple[keras.Model, Call]:
    model = two_outputs(lambda a, b: {"a": a, "b": b})
    model.compile("adam", {"a": "mse", "b": "mae"}, metrics={"a": ["mae"]})
    train(model, {"a": 2, "b": 2})
    return simple(model)


@scenario()
def losses_by_name_of_a_subclassed_model() -> tuple[keras.Model, Call]:
    model = Heads()
    model.compile("adam", {"a": "mse", "b": "mae"}, metrics={"a": ["mae"], "b": ["mse"]})
    train(model, {"a": 2, "b": 2})
    return simple(model)


@component
class OwnLoss(keras.losses.Loss):
    def __init__(self, power: float) -> None:
        super().__init__(name="own")
        self.power = power

    def call(self, y_true: Any, y_pred: Any) -> Any:
        difference = keras.ops.abs(keras.ops.cast(y_true, y_pred.dtype) - y_pred)
        return keras.ops.mean(difference**self.power, -1)


@component
class OwnMetric(keras.metrics.Metric):
    def __init__(self, scale: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.total = self.add_variable((), "zeros", name="total")
        self.parts = {"largest": self.add_variable((), "zeros", name="largest")}

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.total.assign_add(self.scale * keras.ops.sum(keras.ops.abs(y_pred)))
        largest = self.parts["largest"]
        before = keras.ops.convert_to_tensor(largest)
        largest.assign(keras.ops.maximum(before, keras.ops.max(y_pred)))

    def result(self) -> Any:
        return keras.ops.convert_to_tensor(self.total)  # JAX returns no variables


@component
class OwnSchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start: float, every: int = 2) -> None:
        self.start, self.every = start, every

    def __call__(self, step: Any) -> Any:
        return self.start / (1.0 + keras.ops.cast(step, "float32") / self.every)


@component
class OwnOptimizer(keras.optimizers.SGD):
    """An optimizer with an argument and a slot of its own."""

    def __init__(self, rate: float, pull: float = 0.5) -> None:
        super().__init__(rate, momentum=0.9)
        self.pull = pull

    def build(self, variables: Any) -> None:
        super().build(variables)
        self.seen = self.add_variable((), dtype="float32", name="seen")

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        rate = super().apply(grads, trainable_variables)
        self.seen.assign_add(self.pull)
        return rate


@component
def own_distance(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(keras.ops.cast(y_true, y_pred.dtype) - y_pred), -1)


@scenario("custom_loss_metric", "sgd_customsched")
def loss_metric_optimizer_and_schedule_of_ones_own() -> tuple[keras.Model, Call]:
    model = plain()
    optimizer = OwnOptimizer(OwnSchedule(0.1), pull=0.25)
    model.compile(optimizer, OwnLoss(1.5), metrics=[OwnMetric(2.0, name="m"), own_distance])
    train(model)
    return simple(model)


@scenario("fn_loss_fn_metric")
def a_function_as_loss() -> tuple[keras.Model, Call]:
    model = plain()
    model.compile("sgd", own_distance, metrics=["mse"])
    train(model)
    return simple(model)


SCHEDULES = {
    "cosine": lambda s: s.CosineDecay(0.1, 20, alpha=0.1, warmup_target=0.2, warmup_steps=2),
    "cosine_restarts": lambda s: s.CosineDecayRestarts(0.1, 4, t_mul=1.5, m_mul=0.9),
    "exponential": lambda s: s.ExponentialDecay(0.1, 3, 0.7, staircase=True),
    "inverse_time": lambda s: s.InverseTimeDecay(0.1, 3, 0.5),
    "piecewise": lambda s: s.PiecewiseConstantDecay([2, 4], [0.1, 0.05, 0.01]),
    "polynomial": lambda s: s.PolynomialDecay(0.1, 10, 0.01, power=2.0, cycle=True),
}


def _schedule(name: str, make: Callable[[Any], Any]) -> None:
    def build() -> tuple[keras.Model, Call]:
        model = plain()
        model.compile(optimizers.SGD(make(optimizers.schedules), momentum=0.9), "mse")
        train(model)
        return simple(model)

    build.__name__ = f"schedule_{name}"
    scenario()(build)


for _name, _make in SCHEDULES.items():
    _schedule(_name, _make)


@scenario("adam_lr_assigned", "multi_lr_float_after_lrplateau")
def a_learning_rate_set_by_hand() -> tuple[keras.Model, Call]:
    model = plain()
    model.compile(optimizers.Adam(0.01), "mse")
    train(model)
    model.optimizer.learning_rate = 0.003
    return simple(model)


@scenario("adam_wd_exclude")
def weight_decay_with_exceptions() -> tuple[keras.Model, Call]:
    model = plain()
    optimizer = optimizers.AdamW(0.01, weight_decay=0.2)
    optimizer.exclude_from_weight_decay(var_list=[model.layers[0].kernel], var_names=["bias"])
    model.compile(optimizer, "mse")
    train(model)
    return simple(model)


@scenario(tolerance=2e-3)
def no_automatic_loss_scaling() -> tuple[keras.Model, Call]:
    model = plain(dtype="mixed_float16")
    model.compile(optimizers.Adam(0.01), "mse", auto_scale_loss=False)
    train(model)
    return simple(model)


@scenario(tolerance=2e-3)
def automatic_loss_scaling() -> tuple[keras.Model, Call]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = plain()
    finally:
        keras.config.set_dtype_policy(before)
    model.compile(optimizers.Adam(0.01), "mse")
    train(model)
    return simple(model)


@scenario()
def loss_scaling_of_ones_own() -> tuple[keras.Model, Call]:
    model = plain()
    inner = optimizers.SGD(0.01, momentum=0.9)
    model.compile(optimizers.LossScaleOptimizer(inner, initial_scale=8.0), "mse")
    train(model)
    return simple(model)


@scenario("frozen_after_training_adam")
def trained_and_then_frozen() -> tuple[keras.Model, Call]:
    model = plain()
    model.compile(optimizers.Adam(0.01), "mse")
    train(model)
    model.layers[0].trainable = False
    return simple(model)


@scenario("trainable_false_then_compiled_adam", "subclassed_frozen_then_adam")
def frozen_and_then_trained() -> tuple[keras.Model, Call]:
    model = Head()
    model(batch(4, 3))
    model.hidden.trainable = False
    model.compile(optimizers.Adam(0.01), "mse")
    train(model)
    return simple(model)


@scenario()
def flags_of_compile() -> tuple[keras.Model, Call]:
    model = plain()
    model.compile("sgd", "mse", steps_per_execution=2, jit_compile=False, loss_weights=0.5)
    return simple(model)


@component
class Gan(keras.Model):
    """Several optimizers, a compile() of its own and trackers of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.critic = Dense(3), Dense(1)
        self.tracker = keras.metrics.Mean(name="tracker")

    def compile(self, generator_optimizer: Any, critic_optimizer: Any, distance: Any) -> None:
        super().compile()
        self.generator_optimizer = generator_optimizer
        self.critic_optimizer = critic_optimizer
        self.distance = distance

    def call(self, x: Any) -> Any:
        return self.critic(self.generator(x))

    def step(self) -> None:
        """What a train_step would do, with gradients that are the same on each backend."""
        for optimizer, part in (
            (self.generator_optimizer, self.generator),
            (self.critic_optimizer, self.critic),
        ):
            variables = part.trainable_variables
            grads = [keras.ops.convert_to_tensor(batch(*one.shape)) for one in variables]
            optimizer.apply(grads, variables)
        self.tracker.update_state(3.0)


@scenario("gan_two_optimizers")
def several_optimizers_given_to_compile() -> tuple[keras.Model, Call]:
    model = Gan()
    model(batch(4, 3))
    model.compile(optimizers.Adam(0.01), optimizers.RMSprop(0.02, momentum=0.5), own_distance)
    model.step()
    return simple(model)


@component
class OwnOptimizers(keras.Model):
    """Optimizers that are no business of compile()."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.out = Dense(2)
        self.inner = {"slow": optimizers.SGD(rate, momentum=0.9), "fast": optimizers.Adam(rate)}

    def call(self, x: Any) -> Any:
        return self.out(x)


def step(optimizer: Any, variables: Any) -> None:
    optimizer.apply([keras.ops.convert_to_tensor(batch(*v.shape)) for v in variables], variables)


@scenario()
def optimizers_made_by_the_model() -> tuple[keras.Model, Call]:
    model = OwnOptimizers(0.1)
    model(batch(4, 3))
    for optimizer in model.inner.values():
        step(optimizer, model.out.trainable_variables)
    return simple(model)


@scenario()
def an_optimizer_put_on_a_model() -> tuple[keras.Model, Call]:
    model = Head()
    model(batch(4, 3))
    model.second_optimizer = optimizers.Adam(0.02)
    step(model.second_optimizer, model.out.trainable_variables)
    return simple(model)


@scenario()
def a_compiled_part_that_was_frozen_afterwards() -> tuple[keras.Model, Call]:
    """The classic way to train adversaries: one is compiled, frozen, and part of the other."""
    critic = keras.Sequential([keras.Input((3,)), Dense(2, name="judge")], name="critic")
    critic.compile(optimizers.Adam(0.02), "mse", metrics=["mae", "accuracy"])
    critic.train_on_batch(batch(4, 3), batch(4, 2))
    critic.trainable = False
    entry = keras.Input((3,))
    model = keras.Model(entry, critic(Dense(3)(entry)))
    model.compile(optimizers.RMSprop(0.01), "mse")
    train(model)
    return simple(model)


@scenario()
def metrics_that_are_made_at_a_first_batch() -> tuple[keras.Model, Call]:
    metrics = [keras.metrics.R2Score(), keras.metrics.AUC(multi_label=True, num_labels=2)]
    metrics += [keras.metrics.F1Score(threshold=0.5), keras.metrics.AUC(num_thresholds=5)]
    model = keras.Sequential([keras.Input((3,)), Dense(2, activation="sigmoid")])
    model.compile("sgd", "mse", metrics=metrics)
    model.train_on_batch(batch(4, 3), np.array([[0.0, 1], [1, 0], [1, 1], [0, 0]]))
    return simple(model)


@scenario()
def a_metric_of_ones_own_train_step() -> tuple[keras.Model, Call]:
    model = Tracked()
    model.compile("adam", "mse")
    train(model)
    return simple(model)


@component
class Tracked(keras.Model):
    """Metrics that compile() knows nothing of, one in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.out = Dense(2)
        self.trackers = [keras.metrics.Mean(name="one"), keras.metrics.Sum(name="two")]

    def call(self, x: Any) -> Any:
        return self.out(x)

    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        loss = super().compute_loss(*args, **kwargs)
        for tracker in self.trackers:
            tracker.update_state(loss)
        return loss
