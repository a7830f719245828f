import pytest

from kport.checkpoint import Note
from kport_compat.keras2 import translate

MODEL = {
    "class_name": "Sequential",
    "config": [{"class_name": "Dense", "config": {"batch_input_shape": [None, 2]}}],
}


def compiled(optimizer="Adam", config=None, **training):
    found = translate(
        MODEL,
        {"optimizer_config": {"class_name": optimizer, "config": config or {}}, **training},
    )
    return found.config.get("compile_config"), found.notes


def keras3(module, cls, **config):
    module = f"keras.{module}" if module else None
    return {
        "module": module,
        "class_name": cls,
        "config": config,
        "registered_name": None if module else cls,
    }


def function(name):
    return {
        "module": "builtins",
        "class_name": "function",
        "config": name,
        "registered_name": name,
    }


OPTIMIZERS = [
    ("Adam", {"learning_rate": 0.5, "decay": 0.0}, keras3("optimizers", "Adam", learning_rate=0.5)),
    ("SGD", {"lr": 1, "decay": 0.0}, keras3("optimizers", "SGD", learning_rate=1.0)),
    ("RMSprop", {"epsilon": None, "rho": 0.9}, keras3("optimizers", "RMSprop", rho=0.9)),
    (
        "Custom>Adam",
        {"learning_rate": 0.5, "jit_compile": False, "is_legacy_optimizer": False},
        keras3("optimizers", "Adam", learning_rate=0.5),
    ),
    (
        "Custom>SGD",
        {
            "learning_rate": {
                "class_name": "CosineDecay",
                "config": {"decay_steps": 20, "name": None},
            }
        },
        keras3(
            "optimizers",
            "SGD",
            learning_rate=keras3("optimizers.schedules", "CosineDecay", decay_steps=20),
        ),
    ),
    (
        "LossScaleOptimizerV3",
        {
            "inner_optimizer": {"class_name": "Adam", "config": {"learning_rate": 0.5}},
            "dynamic": True,
            "initial_scale": 2.0,
            "dynamic_growth_steps": 9,
        },
        keras3(
            "optimizers",
            "LossScaleOptimizer",
            inner_optimizer=keras3("optimizers", "Adam", learning_rate=0.5),
            initial_scale=2.0,
            dynamic_growth_steps=9,
        ),
    ),
    ("Mine", {"a": 1}, keras3(None, "Mine", a=1)),
]


@pytest.mark.parametrize(("name", "config", "new"), OPTIMIZERS)
def test_optimizers(name, config, new):
    found, notes = compiled(name, config)
    assert (found["optimizer"], notes) == (new, ())


def test_decay_becomes_a_schedule_and_is_said():
    found, notes = compiled("SGD", {"learning_rate": 0.5, "decay": 0.1})
    assert found["optimizer"]["config"]["learning_rate"] == keras3(
        "optimizers.schedules",
        "InverseTimeDecay",
        initial_learning_rate=0.5,
        decay_steps=1,
        decay_rate=0.1,
    )
    assert notes == (
        Note("translated", "optimizer", "decay=0.1 is an InverseTimeDecay schedule in Keras 3"),
    )


def test_a_fixed_loss_scale_leaves_the_model_uncompiled_and_is_said():
    inner = {"class_name": "SGD", "config": {"learning_rate": 0.5}}
    found, notes = compiled("LossScaleOptimizer", {"inner_optimizer": inner, "dynamic": False})
    assert found is None
    assert notes == (
        Note(
            "dropped",
            "optimizer",
            "a loss scale that is fixed has no counterpart; compile again",
        ),
    )


LOSSES = [
    (None, None),
    ("mse", "mse"),
    ("logcosh", "log_cosh"),
    ("kullback_leibler_divergence", "kl_divergence"),
    ("mine", function("mine")),
    (["mse", "mine"], ["mse", function("mine")]),
    ({"a": "mse", "b": "mae"}, {"a": "mse", "b": "mae"}),
    (
        {"class_name": "Huber", "config": {"reduction": "auto", "delta": 0.7, "fn": "huber"}},
        keras3("losses", "Huber", reduction="sum_over_batch_size", delta=0.7),
    ),
    (
        {"class_name": "Huber", "config": {"reduction": "sum", "delta": 0.7}},
        keras3("losses", "Huber", reduction="sum", delta=0.7),
    ),
    ({"class_name": "Mine", "config": {"a": 1}}, keras3(None, "Mine", a=1)),
]


@pytest.mark.parametrize(("old", "new"), LOSSES)
def test_losses(old, new):
    assert compiled(loss=old)[0]["loss"] == new


def wrapper(name, called):
    return {
        "class_name": "MeanMetricWrapper",
        "config": {"name": name, "dtype": "float32", "fn": called},
    }


METRICS = [
    (None, None),
    (["accuracy", "AUC"], ["accuracy", "AUC"]),
    (["mine"], [function("mine")]),
    (
        [[wrapper("acc", "sparse_categorical_accuracy")]],
        [keras3("metrics", "SparseCategoricalAccuracy", name="acc", dtype="float32")],
    ),
    ([[wrapper("mine", "mine")]], [function("mine")]),
    (
        [[wrapper("other", "mine")]],
        [
            keras3(
                "metrics", "MeanMetricWrapper", name="other", dtype="float32", fn=function("mine")
            )
        ],
    ),
    (
        {"a": [{"class_name": "Precision", "config": {"name": "p"}}], "b": ["mae"]},
        {"a": [keras3("metrics", "Precision", name="p")], "b": ["mae"]},
    ),
    ([["mae"], ["mse"]], [["mae"], ["mse"]]),
]


@pytest.mark.parametrize(("old", "new"), METRICS)
def test_metrics(old, new):
    assert compiled(metrics=old)[0]["metrics"] == new
    assert compiled(weighted_metrics=old)[0]["weighted_metrics"] == new


@pytest.mark.parametrize("training", [None, {}, {"optimizer_config": None}, {"loss": "mse"}])
def test_a_model_that_was_not_compiled_stays_so(training):
    assert "compile_config" not in translate(MODEL, training).config
