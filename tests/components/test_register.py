"""Registration: one name, one class; what is wrong is said at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.components import COMPONENTS, Component, ComponentRegistry, kind_of, named_components
from kport.errors import LoadError, UsageError

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


def test_an_alias_in_a_file_leads_to_the_new_class(tmp_path: Path) -> None:
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
    listed = json.loads(manifest.read_text())
    listed["files"]["config.json"]["size"] = config.stat().st_size
    manifest.write_text(json.dumps(listed))
    assert type(kport.load(tmp_path / "bundle").layers[0]) is New


def test_a_loss_and_a_metric_that_were_renamed_are_those_of_the_file(tmp_path: Path) -> None:
    @kport.register("renamed")
    class OldLoss(keras.losses.MeanSquaredError): ...

    @kport.register("renamed")
    class OldMetric(keras.metrics.MeanSquaredError): ...

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", OldLoss(), metrics=[OldMetric()])
    x = np.ones((4, 2), "float32")
    model.fit(x, x[:, :1], verbose=0)
    kport.save(model, tmp_path / "bundle")

    @kport.register("renamed", aliases=["older>Loss", "older:OldLoss"])
    class NewLoss(keras.losses.MeanSquaredError): ...

    @kport.register("renamed", aliases=["older>Metric", "older:OldMetric"])
    class NewMetric(keras.metrics.MeanSquaredError): ...

    aged(tmp_path / "bundle", "older>", "renamed>Old")
    loaded = kport.load(tmp_path / "bundle")
    assert type(loaded.loss) is NewLoss
    results = loaded.get_metrics_result(), model.get_metrics_result()
    np.testing.assert_array_equal(*[[float(one) for one in row.values()] for row in results])


def saved_by_version_one(tmp_path: Path) -> Path:
    @kport.register("growing", "Grows")
    class Grows(keras.layers.Layer):
        def __init__(self, size: int) -> None:
            super().__init__()
            self.size = size

        def call(self, x: Any) -> Any:
            return x * self.size

    kport.save(keras.Sequential([keras.Input((2,)), Grows(3)]), tmp_path / "bundle")
    return tmp_path / "bundle"


def version(number: int) -> Any:
    """The same class as its author has it later; each test has a name of its own for it."""

    @kport.register("growing", f"Grows{number}", version=number, aliases=[f"growing>Old{number}"])
    class Grows(keras.layers.Layer):
        def __init__(self, units: int, scale: float) -> None:
            super().__init__()
            self.units, self.scale = units, scale

        def call(self, x: Any) -> Any:
            return x * self.units * self.scale

    return Grows


def aged(path: Path, alias: str, name: str = "growing>Grows") -> Path:
    """Let a file know the class by an alias, as if it had been renamed as well."""
    for file in (path / "kport.json", path / "config.json"):
        file.write_text(file.read_text().replace(name, alias))
    manifest = json.loads((path / "kport.json").read_text())
    manifest["files"]["config.json"]["size"] = (path / "config.json").stat().st_size
    (path / "kport.json").write_text(json.dumps(manifest))
    return path


def test_old_configs_are_upgraded_step_by_step(tmp_path: Path) -> None:
    cls = version(3)

    @cls.upgrade(1)
    def _(config: dict[str, Any]) -> dict[str, Any]:
        config["units"] = config.pop("size")
        return config

    @cls.upgrade(2)
    def _(config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "scale": 0.5}

    loaded = kport.load(aged(saved_by_version_one(tmp_path), "growing>Old3")).layers[0]
    assert type(loaded) is cls
    assert (loaded.units, loaded.scale) == (3, 0.5)


def test_a_missing_upgrade_is_named_with_the_line_to_write(tmp_path: Path) -> None:
    version(4)
    path = aged(saved_by_version_one(tmp_path), "growing>Old4")
    with pytest.raises(LoadError) as caught:
        kport.load(path)
    assert "growing>Grows4 is version 4 here, the file has version 1" in str(caught.value)
    assert caught.value.remedy == "Write one: @Grows.upgrade(1)"


def test_upgrades_are_checked_when_they_are_written() -> None:
    cls = version(5)
    cls.upgrade(2)(dict)
    for wrong in (0, 5, "1"):
        with pytest.raises(UsageError, match="an upgrade starts from 1 to 4, got"):
            cls.upgrade(wrong)
    with pytest.raises(UsageError, match="has an upgrade from version 2 already"):
        cls.upgrade(2)
