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
        "module": None,
        "class_name": "function",
        "config": name,
        "registered_name": name,
    }


OPTIMIZERS = [
    ("Adam", {"learning_rate": 0.5, "decay": 0.0}, keras3("optimizers", "Adam", learning_rate=0.5)),
    ("SGD", {"lr": 1, "decay": 0.0}, keras3("optimizers", "SGD", learning_rate=1.0)),
    (
        "RMSprop",
        {"epsilon": None, "rho": 0.9, "jit_compile": True},
        keras3("optimizers", "RMSprop", rho=0.9),
    ),
    (
        "RMSprop",
        {"momentum": 0.5},
        keras3("optimizers", "RMSprop", momentum=0.5),
    ),
    (
        "LossScaleOptimizer",  # TensorFlow 2.1
        {
            "optimizer": {"class_name": "SGD", "config": {"learning_rate": 0.5}},
            "loss_scale": {
                "class_name": "DynamicLossScale",
                "config": {"initial_loss_scale": 4.0, "increment_period": 7, "multiplier": 2.0},
            },
        },
        keras3(
            "optimizers",
            "LossScaleOptimizer",
            inner_optimizer=keras3("optimizers", "SGD", learning_rate=0.5),
            initial_scale=4.0,
            dynamic_growth_steps=7,
        ),
    ),
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


OLD = [
    ("Adagrad", {}, {"initial_accumulator_value": 0.0}, "epsilon is added to the root"),
    ("RMSprop", {"momentum": 0.0}, {"momentum": 0.0}, "epsilon is added to the root"),
    ("Nadam", {"decay": 0.004}, {"schedule_decay": 0.004}, "the momentum schedule is that"),
    ("Nadam", {"schedule_decay": 0.002}, {"schedule_decay": 0.002}, "the momentum schedule is"),
]


@pytest.mark.parametrize(("name", "config", "new", "said"), OLD)
@pytest.mark.parametrize("sign", [{}, {"use_ema": False, "is_legacy_optimizer": True}])
def test_old_formulas_are_kept_by_optimizers_of_kport(name, config, new, said, sign):
    found, notes = compiled(name, {**config, **sign})
    sign = {key: one for key, one in sign.items() if key == "use_ema"}
    expected = keras3(None, f"Legacy{name}", **new, **sign)
    assert found["optimizer"] == {**expected, "registered_name": f"kport>Legacy{name}"}
    assert [note.detail.startswith(f"{name} is kport's own {name}: {said}") for note in notes] == [
        True
    ]


FIXED = [
    {"dynamic": False, "initial_scale": 128.0, "dynamic_growth_steps": None},
    {"loss_scale": {"class_name": "FixedLossScale", "config": {"loss_scale_value": 128.0}}},
    {"loss_scale": 128},
]


@pytest.mark.parametrize("scale", FIXED)
def test_a_fixed_loss_scale_is_a_factor(scale):
    inner = {"class_name": "SGD", "config": {"learning_rate": 0.5}}
    found, notes = compiled("LossScaleOptimizer", {"inner_optimizer": inner, **scale})
    sgd = keras3("optimizers", "SGD", learning_rate=0.5, loss_scale_factor=128.0)
    assert (found["optimizer"], found["auto_scale_loss"]) == (sgd, False)
    text = "the fixed loss scale 128.0 is the loss_scale_factor of the optimizer"
    assert notes == (Note("translated", "optimizer", text),)


UNCOMPILED = [
    (
        "LossScaleOptimizer",
        {
            "optimizer": {"class_name": "SGD", "config": {}},
            "loss_scale": {
                "class_name": "DynamicLossScale",
                "config": {"initial_loss_scale": 4.0, "increment_period": 7, "multiplier": 3.0},
            },
        },
        "its loss scale has no counterpart in Keras 3; compile again",
    ),
    (
        "Adam",
        {"clipnorm": 1.0, "clipvalue": 0.5},
        "clips gradients in two ways, Keras 3 in one; compile again",
    ),
]


@pytest.mark.parametrize(("name", "config", "reason"), UNCOMPILED)
def test_what_keras_3_cannot_do_leaves_the_model_uncompiled_and_is_said(name, config, reason):
    assert compiled(name, config) == (None, (Note("dropped", "optimizer", reason),))


def test_decay_of_a_schedule_divides_it():
    schedule = {"class_name": "CosineDecay", "config": {"decay_steps": 20}}
    found, _ = compiled("SGD", {"learning_rate": schedule, "decay": 0.1})
    assert found["optimizer"]["config"]["learning_rate"] == {
        "module": None,
        "class_name": "DecayedSchedule",
        "config": {
            "schedule": keras3("optimizers.schedules", "CosineDecay", decay_steps=20),
            "decay": 0.1,
        },
        "registered_name": "kport>DecayedSchedule",
    }


def test_how_it_ran_is_kept_where_it_was_said():
    found, _ = compiled(run_eagerly=True, steps_per_execution=4, jit_compile=None)
    assert (found["run_eagerly"], found["steps_per_execution"]) == (True, 4)
    assert "jit_compile" not in found


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


EMBEDDED = {
    "class_name": "Sequential",
    "config": [
        {"class_name": "Embedding", "config": {"batch_input_shape": [None, 2], "input_dim": 3}}
    ],
}
LAZY = [
    ("SGD", {"momentum": 0.9}, True),
    ("SGD", {"momentum": 0.0}, False),
    ("SGD", {"momentum": 0.9, "use_ema": False}, False),
    ("Adam", {}, False),
    ("Adamax", {}, True),
    (
        "LossScaleOptimizer",
        {
            "inner_optimizer": {"class_name": "Adadelta", "config": {}},
            "dynamic": True,
            "initial_scale": 2.0,
            "dynamic_growth_steps": 3,
        },
        True,
    ),
]


@pytest.mark.parametrize(("name", "config", "said"), LAZY)
@pytest.mark.parametrize(("model", "embeds"), [(EMBEDDED, True), (MODEL, False)])
def test_rows_of_embeddings_that_no_batch_used(model, embeds, name, config, said):
    optimizer = {"class_name": name, "config": config}
    notes = translate(model, {"optimizer_config": optimizer, "loss": "mse"}).notes
    text = "steps for every row of an embedding; tf.keras left out rows that no batch used"
    assert (Note("translated", "optimizer", text) in notes) is (embeds and said)
