"""Archives, weights and definitions that Keras 2.12 and later wrote, made by h5py and zipfile."""

import copy
import io
import json
import zipfile
from functools import partial

import h5py
import numpy as np
import pytest

from kport import formats
from kport.checkpoint import Holds, Kind, Slot
from kport.errors import CorruptFileError, InvalidSpecError, LoadError
from kport.formats.keras_archive import KERAS
from kport_compat.definition import DEFINITION
from kport_compat.keras2_archive import KERAS2_ARCHIVE, KERAS_WEIGHTS
from kport_compat.keras2_archive._paths import keras_3_paths

from .conftest import BIAS, CONFIG, DENSE, KERNEL

OLD = "_layer_checkpoint_dependencies"


def weights(values):
    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        file.create_group("vars")
        for name, value in values.items():
            file[name] = value
    return held.getvalue()


def write_archive(path, *, version="2.12.0", folder=OLD, compiled=None, extra=None, config=CONFIG):
    values = {f"{folder}/dense/vars/0": KERNEL, f"{folder}/dense/vars/1": BIAS, **(extra or {})}
    config = config if compiled is None else {**config, "compile_config": compiled}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": version}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights(values))
    return path


def test_the_version_in_the_metadata_says_who_reads_it(tmp_path):
    old, new = write_archive(tmp_path / "a"), write_archive(tmp_path / "b", version="3.1.0")
    assert (KERAS.recognises(old), KERAS2_ARCHIVE.recognises(old)) == (False, True)
    assert (KERAS.recognises(new), KERAS2_ARCHIVE.recognises(new)) == (True, False)


@pytest.mark.parametrize("folder", [OLD, "layers"])
def test_values_get_the_paths_of_keras_3(tmp_path, folder):
    found = KERAS2_ARCHIVE.read(write_archive(tmp_path / "m.keras", folder=folder))
    assert list(found.tensors) == ["layers/dense/vars/0", "layers/dense/vars/1"]
    np.testing.assert_array_equal(found.tensors["layers/dense/vars/1"].read(), BIAS)
    assert found.spec.config["module"] == "keras"


def test_the_counter_of_2_12_goes_by_two_for_layers_with_weights():
    groups = [f"{OLD}/{name}" for name in ("dense", "dense_2", "dense_6", "drop", "drop_1")]
    values = [f"{OLD}/{name}/vars/0" for name in ("dense", "dense_2", "dense_6")]
    assert keras_3_paths(groups, values) == {
        f"{OLD}/dense": "layers/dense",
        f"{OLD}/dense_2": "layers/dense_1",
        f"{OLD}/dense_6": "layers/dense_3",  # the one between is shared and written elsewhere
        f"{OLD}/drop": "layers/drop",
        f"{OLD}/drop_1": "layers/drop_1",
    }


def test_models_inside_models_are_translated_from_the_outside_in():
    inner = f"{OLD}/sequential/{OLD}"
    groups = [f"{OLD}/sequential", inner, f"{inner}/dense_2"]
    found = keras_3_paths(groups, [f"{inner}/dense_2/vars/0"])
    assert found[f"{inner}/dense_2"] == "layers/sequential/layers/dense_1"


def test_impossible_counters_are_refused():
    with pytest.raises(CorruptFileError, match="dense_1 is numbered as no Keras 2 numbers layers"):
        keras_3_paths([f"{OLD}/dense", f"{OLD}/dense_1"], [f"{OLD}/dense/vars/0"])


ADAM = {"class_name": "Adam", "config": {"learning_rate": 0.5, "amsgrad": False}}


def listed(*shapes):
    """The state of an optimizer as a .keras archive of Keras 2 has it: numbers, no names."""
    return {
        f"optimizer/vars/{place}": np.full(shape, place, "f4") for place, shape in enumerate(shapes)
    }


MATRIX, VECTOR = (3, 2), (2,)
STATES = [
    ("Adam", {}, [MATRIX, MATRIX, VECTOR, VECTOR], ["momentums", "velocities"]),
    ("Lion", {}, [MATRIX, VECTOR], ["momentums"]),
    ("SGD", {"momentum": 0.5}, [MATRIX, VECTOR], ["momentums"]),
    ("Nadam", {}, [MATRIX, MATRIX, VECTOR, VECTOR], ["momentums", "velocities"]),
]


@pytest.mark.parametrize(("name", "config", "shapes", "attributes"), STATES)
@pytest.mark.parametrize("place", ["", "inner_optimizer/", "_optimizer/"])
def test_state_goes_variable_by_variable(tmp_path, place, name, config, shapes, attributes):
    new = {**ADAM["config"], "is_legacy_optimizer": False, **config}
    compiled = {"optimizer": {**ADAM, "class_name": name, "config": new}, "loss": "mse"}
    found = listed((), *shapes)
    if place:  # a loss scale says everything twice
        found |= {one.replace("vars", f"{place}vars"): value for one, value in found.items()}
    path = write_archive(tmp_path / "m", compiled=compiled, extra=found)
    state = KERAS2_ARCHIVE.read(path).of_kind(Kind.OPTIMIZER).values()
    inside = "inner_optimizer." if place else ""
    expected = [Slot(inside + one, number) for number in range(2) for one in attributes]
    known = [one for one in state if one.slot.of is not None]
    assert [one.slot for one in known] == expected
    assert [float(one.read().flat[0]) for one in known] == list(range(1, len(shapes) + 1))


MIXED = {"class_name": "Policy", "config": {"name": "mixed_float16"}}


@pytest.mark.parametrize("optimizer", ["rmsprop", {**ADAM, "class_name": "RMSprop"}])
@pytest.mark.parametrize(
    ("state", "policy", "scaled"),
    [
        (["optimizer/vars/0"], MIXED, False),
        (["optimizer/vars/0", "optimizer/inner_optimizer/vars/0"], "float32", True),
        (["optimizer/vars/0", "optimizer/_optimizer/vars/0"], "float32", True),
        ([], MIXED, True),
        ([], "mixed_float16", True),
        ([], "float32", False),
    ],
)
def test_a_loss_scale_that_compile_made_is_made_again(tmp_path, state, policy, scaled, optimizer):
    config = copy.deepcopy(CONFIG)
    config["config"]["layers"][0]["config"]["dtype"] = policy
    path = write_archive(
        tmp_path / "m",
        config=config,
        compiled={"optimizer": optimizer, "loss": "mse"},
        extra=dict.fromkeys(state, np.int64(1)),
    )
    found = KERAS2_ARCHIVE.read(path).spec.config["compile_config"]["optimizer"]
    if scaled:
        assert found["class_name"] == "LossScaleOptimizer"
        assert found["config"]["initial_scale"] == 32768
        found = found["config"]["inner_optimizer"]
    assert found["class_name"] in ("LegacyRMSprop", "RMSprop")


def test_slots_of_amsgrad_and_averages_stand_in_blocks_of_their_own(tmp_path):
    new = {**ADAM["config"], "use_ema": True, "amsgrad": True}
    path = write_archive(
        tmp_path / "m",
        compiled={"optimizer": {**ADAM, "config": new}, "loss": "mse"},
        extra=listed((), *[MATRIX, VECTOR], *[MATRIX] * 2, *[VECTOR] * 2, *[MATRIX, VECTOR]),
    )
    found = KERAS2_ARCHIVE.read(path).tensors
    numbers = {
        name: int(one.read().flat[0])
        for name, one in found.items()
        if one.slot and one.slot.of is not None
    }
    assert numbers == {
        "optimizer.model_variables_moving_average.0": 1,
        "optimizer.model_variables_moving_average.1": 2,
        "optimizer.momentums.0": 3,
        "optimizer.velocities.0": 4,
        "optimizer.momentums.1": 5,
        "optimizer.velocities.1": 6,
        "optimizer.velocity_hats.0": 7,
        "optimizer.velocity_hats.1": 8,
    }


def test_slots_of_adafactor_are_told_by_their_shapes(tmp_path):
    new = {**ADAM, "class_name": "Adafactor", "config": {**ADAM["config"], "use_ema": False}}
    shapes = [(), (3,), (2,), MATRIX, VECTOR, VECTOR, (2, 4), (2, 5), (2, 4, 5)]
    path = write_archive(
        tmp_path / "m", compiled={"optimizer": new, "loss": "mse"}, extra=listed(*shapes)
    )
    state = KERAS2_ARCHIVE.read(path).of_kind(Kind.OPTIMIZER).values()
    assert [(one.slot.attribute, one.slot.of) for one in state][1:-1] == [
        *[("r", 0), ("c", 0), ("v", 0), ("v", 1), ("v", 2)],
        *[("r", 3), ("c", 3), ("v", 3)],
    ]


UNSURE = [
    ("Mine", [()], "the state of Mine is not known"),
    ("Adam", [()], "it was saved before its first step, or under other settings"),
    ("Adam", [(), MATRIX, MATRIX, VECTOR], "it has other slots than its class"),
    ("Adam", [MATRIX, MATRIX, VECTOR, VECTOR], "it has no iteration counter"),
]


@pytest.mark.parametrize(("name", "shapes", "reason"), UNSURE)
def test_state_that_is_unsure_is_dropped_and_said(tmp_path, name, shapes, reason):
    compiled = {"optimizer": {**ADAM, "class_name": name}, "loss": "mse"}
    path = write_archive(tmp_path / "m", compiled=compiled, extra=listed(*shapes))
    found = KERAS2_ARCHIVE.read(path)
    assert not found.of_kind(Kind.OPTIMIZER)
    assert [one.detail for one in found.notes if one.name == "optimizer"] == [
        f"{reason}; training starts with fresh slots"
    ]


def test_an_archive_without_weights_says_so(tmp_path):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "2.13.1"}')
        archive.writestr("config.json", json.dumps(CONFIG))
    with pytest.raises(CorruptFileError) as caught:
        KERAS2_ARCHIVE.read(path)
    text = f"{path}: is no whole Keras archive\n  - model.weights.h5: is missing"
    assert str(caught.value) == text


def test_weights_alone_are_told_from_the_older_layout(tmp_path):
    path = tmp_path / "x.weights.h5"
    path.write_bytes(weights({f"{OLD}/dense/vars/0": KERNEL}))
    assert formats.detect(path) is KERAS_WEIGHTS
    found = KERAS_WEIGHTS.read(path)
    assert found.holds is Holds.WEIGHTS
    assert list(found.tensors) == ["layers/dense/vars/0"]


def test_a_definition_is_read_without_weights(tmp_path):
    path = tmp_path / "model.json"
    path.write_text(json.dumps({**CONFIG, "keras_version": "2.12.0"}))
    assert formats.detect(path) is DEFINITION
    found = DEFINITION.read(path)
    assert (found.holds, dict(found.tensors)) == (Holds.DEFINITION, {})


def test_other_json_is_refused(tmp_path):
    path = tmp_path / "other.json"
    path.write_text('{"a": {"class_name": "Dense"}}')
    with pytest.raises(InvalidSpecError, match=r"other\.json: is JSON that describes no Keras"):
        DEFINITION.read(path)


@pytest.fixture
def rooms():
    from kport.model import build, load_into

    return build, load_into


@pytest.mark.backend
def test_an_archive_becomes_the_model_it_was(rooms, tmp_path):
    import keras

    model = rooms[0](KERAS2_ARCHIVE.read(write_archive(tmp_path / "m.keras")))
    found = keras.ops.convert_to_numpy(model(np.ones((1, 3), "f4")))
    np.testing.assert_allclose(found, np.ones((1, 3), "f4") @ KERNEL + BIAS, rtol=1e-6)


@pytest.mark.backend
def test_a_definition_gets_its_weights_from_another_file(rooms, tmp_path):
    import keras

    definition, values = tmp_path / "model.json", tmp_path / "x.weights.h5"
    frozen = {**DENSE, "config": {**DENSE["config"], "trainable": False}}
    config = {"class_name": "Sequential", "config": {"name": "tiny", "layers": [frozen]}}
    definition.write_text(json.dumps({**config, "keras_version": "2.12.0"}))
    values.write_bytes(weights({"layers/dense/vars/0": KERNEL, "layers/dense/vars/1": BIAS}))
    build, load_into = rooms
    model = build(DEFINITION.read(definition))
    assert not model.trainable_variables
    load_into(model, KERAS_WEIGHTS.read(values))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model.layers[0].kernel), KERNEL)
    with pytest.raises(LoadError, match="holds weights only and not the model they belong to"):
        build(KERAS_WEIGHTS.read(values))
    with pytest.raises(LoadError, match="holds the definition of a model and no weights"):
        load_into(model, DEFINITION.read(definition))


@pytest.mark.backend
def test_old_weights_go_by_order_where_the_names_are_numbers(rooms, tmp_path):
    import keras

    from kport_compat.h5 import H5

    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([b"dense_1", b"dense_2"])
        for index, name in enumerate(("dense_1", "dense_2")):
            group = file.create_group(name)
            group.attrs["weight_names"] = np.array([f"{name}/kernel:0".encode()])
            group[f"{name}/kernel:0"] = np.full((3, 3), index, "f4")
    layers = [keras.layers.Dense(3, use_bias=False, name=f"dense_{n}") for n in (2, 3)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    rooms[1](model, H5.read(path))
    kernels = [float(keras.ops.convert_to_numpy(layer.kernel)[0, 0]) for layer in layers]
    assert kernels == [0, 1]


# Where 2.13, 2.14 and 2.15 keep the layers of `Tower`: attributes before "layers" in their own
# order go by their names, the others by class and number (saving_lib.py of each).
TOWERS = {
    "2.13": {"a": 1, "layers/dense_1": 2, "layers/dense_2": 3, "layers/dense_3": 4},
    "2.14": {"a": 1, "layers/dense": 2, "layers/dense_1": 3, "layers/dense_2": 4},
    "2.15": {"z": 4, "m/dense": 3, "m/dense_1": 2, "layers/dense": 1},
}


@pytest.mark.backend
@pytest.mark.parametrize("version", TOWERS)
def test_layers_of_a_class_of_its_own_are_found_as_each_version_names_them(tmp_path, version):
    import keras

    import kport

    class Tower(keras.Model):
        def __init__(self):
            super().__init__()
            dense = partial(keras.layers.Dense, 3, use_bias=False)
            self.a = dense()
            self.m = {"wide": dense(), "deep": dense()}
            self.z = dense()

        def call(self, x):
            return self.z(self.m["deep"](self.a(x)) + self.m["wide"](x))

    model = Tower()
    model(np.ones((1, 3), "f4"))
    path = tmp_path / "v.weights.h5"
    with h5py.File(path, "w") as file:
        for place, number in TOWERS[version].items():
            file[f"{place}/vars/0"] = np.full((3, 3), number, "f4")
    kport.load_weights(model, path)
    layers = (model.a, model.m["deep"], model.m["wide"], model.z)
    found = [keras.ops.convert_to_numpy(one.kernel)[0, 0] for one in layers]
    assert found == [1, 2, 3, 4]


def test_the_optimizer_of_a_model_inside_is_no_weight(tmp_path):
    held = {"layers/sequential/optimizer/vars/0": np.int64(0)}
    found = KERAS2_ARCHIVE.read(write_archive(tmp_path / "m.keras", folder="layers", extra=held))
    kinds = {name: one.kind for name, one in found.tensors.items()}
    assert kinds.pop("layers/sequential/optimizer/vars/0") is Kind.OPTIMIZER
    assert set(kinds.values()) == {Kind.PARAMETER}
