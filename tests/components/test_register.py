"""Registration: one name, one class; what is wrong is said at once."""

from __future__ import annotations

import keras
import pytest

import kport
from kport.components import COMPONENTS, Component, ComponentRegistry, kind_of, named_components
from kport.errors import UsageError

pytestmark = pytest.mark.backend


def test_keras_knows_what_is_registered() -> None:
    @kport.register("shelf", "Plank", version=2, aliases=["shelf>Board", "shelf.v1:Board"])
    class Plank(keras.layers.Layer): ...

    assert keras.saving.get_registered_object("shelf>Plank") is Plank
    for name in ("shelf>Plank", "shelf>Board"):
        found = COMPONENTS.find(name)
        assert found is not None
        assert (found.target, found.version) == (Plank, 2)
    assert COMPONENTS.find("Board", "shelf.v1", "Board") is not None
    assert COMPONENTS.find("shelf>Nail") is None


def test_a_function_can_be_registered() -> None:
    @kport.register("shelf")
    def bend(x: object) -> object:
        return x

    assert keras.saving.get_registered_object("shelf>bend") is bend


def test_a_second_class_under_one_name_is_refused() -> None:
    registry = ComponentRegistry()
    registry.add(Component("a>Dense", keras.layers.Dense, 1, ("a>Old",)))
    for other in (
        Component("a>Dense", keras.layers.Conv1D, 1),
        Component("a>Old", keras.layers.Conv1D, 1),
        Component("a>New", keras.layers.Conv1D, 1, ("a>Dense",)),
    ):
        with pytest.raises(
            UsageError, match=r"is registered already, for keras\..*Dense; .*Conv1D"
        ):
            registry.add(other)
    registry.add(Component("a>Dense", keras.layers.Dense, 1, ("a>Old",)))  # imported anew


@pytest.mark.parametrize(
    ("package", "version", "text"),
    [
        ("", 1, "package must be a non-empty string"),
        ("a>b", 1, "without '>', got 'a>b'"),
        ("a", 0, "version must be a whole number >= 1, got 0"),
        ("a", True, "version must be a whole number >= 1, got True"),
        ("a", "2", "version must be a whole number >= 1, got '2'"),
    ],
)
def test_wrong_arguments_are_named(package: str, version: int, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        kport.register(package, version=version)


def test_kinds_of_keras() -> None:
    kinds = {
        keras.layers.Dense: "layer",
        keras.Model: "layer",
        keras.initializers.Ones: "initializer",
        keras.regularizers.L2: "regularizer",
        keras.constraints.MaxNorm: "constraint",
        keras.optimizers.Adam: "optimizer",
        keras.optimizers.schedules.CosineDecay: "schedule",
        keras.losses.Huber: "loss",
        keras.metrics.Mean: "metric",
        keras.DTypePolicy: "dtype policy",
        keras.random.SeedGenerator: "seed generator",
        keras.activations.relu: "function",
        keras.utils.Progbar: "",
        3: "",
    }
    for target, kind in kinds.items():
        assert kind_of(target) == kind, target


def test_every_name_in_a_config_is_found() -> None:
    inner = {"class_name": "Sub", "config": {}, "registered_name": "a>Sub"}
    config = {"class_name": "M", "config": {"x": [inner, {"y": inner}]}, "registered_name": "a>M"}
    assert named_components(config) == ["a>M", "a>Sub"]


def test_an_alias_in_a_file_leads_to_the_new_class(tmp_path) -> None:  # type: ignore[no-untyped-def]  # pytest's fixture
    @kport.register("shelf", "Old")
    class Old(keras.layers.Dense): ...

    model = keras.Sequential([keras.Input((2,)), Old(3, name="one")])
    kport.save(model, tmp_path / "bundle")

    @kport.register("shelf", "New", aliases=["shelf>Older"])
    class New(keras.layers.Dense): ...

    for file in ("config.json", "kport.json"):
        place = tmp_path / "bundle" / file
        place.write_text(place.read_text().replace("shelf>Old", "shelf>Older"))
    manifest = tmp_path / "bundle" / "kport.json"
    config = tmp_path / "bundle" / "config.json"
    import json

    listed = json.loads(manifest.read_text())
    listed["files"]["config.json"]["size"] = config.stat().st_size
    manifest.write_text(json.dumps(listed))
    assert type(kport.load(tmp_path / "bundle").layers[0]) is New
