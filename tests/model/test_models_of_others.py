"""Models that were written for plain Keras, with get_config and from_config of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.errors import LoadError, SaveError

pytestmark = pytest.mark.backend

INPUTS = np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)

register = keras.saving.register_keras_serializable("tests_of_others")


def digests(bundle: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in bundle.rglob("*") if one.is_file()}


def outputs(model: keras.Model) -> Any:
    return keras.ops.convert_to_numpy(model(INPUTS, training=False))


def loaded_again(model: keras.Model, path: Path) -> keras.Model:
    kport.save(model, path)
    loaded = kport.load(path)
    np.testing.assert_array_equal(outputs(loaded), outputs(model))
    return loaded


@register
class Block(keras.layers.Layer):
    """A layer that makes others in `build` and hands its policy to them."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape: Any) -> None:
        self.dense = keras.layers.Dense(self.units, dtype=self.dtype_policy, name="dense")
        self.dense.build(shape)
        self.built = True

    def call(self, x: Any) -> Any:
        return self.dense(x)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@register
class Tower(keras.Model):
    """A functional model whose config tells by a map of policies which layers were quantized."""

    def __init__(self, units: int, dtype: Any = None, name: str | None = None) -> None:
        entry = keras.Input((4,))
        stem = keras.layers.Dense(4, dtype=dtype, name=f"{name}_stem" if name else "stem")
        blocks = [Block(units, dtype=dtype, name=f"{name}_block_{i}") for i in range(2)]
        head = keras.layers.Dense(units, dtype=dtype, name=f"{name}_head")
        super().__init__(entry, head(blocks[1](blocks[0](stem(entry)))), name=name)
        self.units = units
        if dtype is not None:
            self.dtype_policy = keras.dtype_policies.get(dtype)

    def get_config(self) -> dict[str, Any]:
        policies = keras.dtype_policies.DTypePolicyMap()
        for layer in self._flatten_layers():
            if layer.quantization_mode is not None:
                policies[layer.path] = layer.dtype_policy
        told = {"dtype": policies} if len(policies) else {}
        return {"name": self.name, "units": self.units, **told}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Tower:
        policies = keras.saving.deserialize_keras_object(config.pop("dtype", None))
        return cls(**config, dtype=policies)


def test_names_of_layers_may_begin_with_that_of_the_model(tmp_path: Path) -> None:
    Tower(2)
    model = Tower(3)
    model.compile("adam", "mse")
    model.train_on_batch(INPUTS, INPUTS[:, :3])
    loaded = loaded_again(model, tmp_path / "once")
    assert loaded.optimizer.iterations == 1
    loaded_again(loaded, tmp_path / "twice")
    loaded_again(Tower(3, name="given"), tmp_path / "given")


WEIGHTS_ONLY = keras.quantizers.Int8QuantizationConfig(activation_quantizer=None)


@pytest.mark.parametrize("config", [None, WEIGHTS_ONLY], ids=["usual", "weights only"])
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning")
def test_a_map_of_policies_in_a_config_stands_for_those_of_layers(
    config: Any, tmp_path: Path
) -> None:
    model = Tower(3, name="tower")
    model.quantize("int8", config=config)
    loaded = loaded_again(model, tmp_path / "first")
    kport.save(loaded, tmp_path / "again")
    assert digests(tmp_path / "again") == digests(tmp_path / "first")
    for mine, theirs in zip(loaded._flatten_layers(), model._flatten_layers(), strict=True):
        assert type(mine.dtype_policy) is type(theirs.dtype_policy)
        assert mine.dtype_policy.name == theirs.dtype_policy.name
        assert mine.quantization_mode == theirs.quantization_mode


class Sparing(keras.layers.Layer):
    """Its get_config leaves out an argument."""

    def __init__(self, kernel_initializer: Any = "glorot_uniform", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight((shape[-1], 3), initializer=self.kernel_initializer)

    def call(self, x: Any) -> Any:
        return x @ self.kernel

    def get_config(self) -> dict[str, Any]:
        return super().get_config()


class Failing(Sparing):
    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rows": self.rows}


class Silent(Sparing):
    def get_config(self) -> Any:
        super().get_config()


class Mistaken(Sparing):
    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kernel_initializer": "zeros"}


class Without(keras.layers.Layer):
    """Keras tells the arguments of one without get_config, if none of them is a policy."""

    def __init__(self, scale: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight((shape[-1], 3))

    def call(self, x: Any) -> Any:
        return self.scale * (x @ self.kernel)


@register
class Holder(keras.Model):
    def __init__(self, sort: str, dtype: Any = None, **kwargs: Any) -> None:
        entry = keras.Input((4,))
        kinds = {"failing": Failing, "mistaken": Mistaken, "silent": Silent, "sparing": Sparing}
        if sort == "without":
            layer: Any = Without(2.0, dtype=dtype)
        else:
            init = keras.initializers.RandomNormal(stddev=0.02)
            layer = kinds[sort](kernel_initializer=init, dtype=dtype)
        super().__init__(entry, layer(entry), **kwargs)
        self.sort = sort

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "sort": self.sort,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Holder:
        return cls(config["sort"], keras.dtype_policies.get(config["dtype"]), name=config["name"])


@pytest.mark.parametrize("sort", ["failing", "mistaken", "silent", "sparing", "without"])
def test_layers_that_only_code_makes_need_no_config(sort: str, tmp_path: Path) -> None:
    loaded_again(Holder(sort), tmp_path / "bundle")


@register
class Ready(keras.Model):
    """A model that compiles itself, by a compile of its own, and whose parts wait for a build."""

    def __init__(self, **kwargs: Any) -> None:
        entry = keras.Input((4,))
        super().__init__(entry, keras.layers.Dense(3, name="head")(entry), **kwargs)
        self.before = Before(name="before")
        self.compile()

    def compile(self, optimizer: Any = "auto", loss: Any = "auto", **kwargs: Any) -> None:
        super().compile(
            optimizer="adam" if optimizer == "auto" else optimizer,
            loss="mse" if loss == "auto" else loss,
            **kwargs,
        )

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}


@register
class Before(keras.layers.Layer):
    """What comes before a model: its parts are made once its assets are there."""

    table: Any = None

    def build(self, shape: Any) -> None:
        self.scale = keras.layers.Rescaling(self.table.factor)

    def get_build_config(self) -> None:
        return None

    def save_assets(self, folder: str) -> None:
        (Path(folder) / "factor.txt").write_text(str(self.table.factor))

    def load_assets(self, folder: str) -> None:
        self.table = Table(float((Path(folder) / "factor.txt").read_text()))

    def call(self, x: Any) -> Any:
        return self.scale(x)


@register
class Cut(keras.Model):
    """A model that holds the end of a graph as a model of its own."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        middle = keras.layers.Dense(4)(keras.Input((4,)))
        self.end = keras.Model(middle, keras.layers.Dense(3)(middle))

    def call(self, x: Any) -> Any:
        return self.end(x)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}


def test_a_model_may_begin_inside_the_graph_of_another(tmp_path: Path) -> None:
    model = Cut()
    model(INPUTS)
    loaded_again(model, tmp_path / "bundle")


@register
class Computed(keras.Model):
    """A model that computes the rate of a layer, which backends round otherwise."""

    rate = 1 / 15

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.drop = keras.layers.Dropout(self.rate)

    def call(self, x: Any) -> Any:
        return self.drop(x)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}


def test_numbers_that_backends_round_otherwise_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Computed, "rate", float(np.float32(1 / 15)))
    model = Computed()
    model(INPUTS)
    kport.save(model, tmp_path / "bundle")
    monkeypatch.setattr(Computed, "rate", float(np.nextafter(np.float32(1 / 15), np.float32(1))))
    assert kport.load(tmp_path / "bundle").drop.rate == Computed.rate
    monkeypatch.setattr(Computed, "rate", 0.06667)
    with pytest.raises(LoadError, match=r"drop\.rate: is 0\.0666666\d+ in the file and 0\.06667 "):
        kport.load(tmp_path / "bundle")


@register
class Aside(keras.Model):
    """A model whose layer is held by nothing but its class."""

    held: Any = None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        type(self).held = keras.layers.Dense(3)

    @property
    def head(self) -> Any:
        return self.held

    def call(self, x: Any) -> Any:
        return self.head(x)


def test_layers_that_no_attribute_holds_are_said(tmp_path: Path) -> None:
    model = Aside()
    model(INPUTS)
    with pytest.raises(SaveError) as caught:
        kport.save(model, tmp_path / "bundle")
    assert str(caught.value) == (
        "has variables that no attribute of the model leads to\n"
        "  - head/vars/0: is held by no attribute\n"
        "  - head/vars/1: is held by no attribute\n"
        "Hold the layers that they belong to in attributes of the model."
    )


class Table:
    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.lookups = 0


def test_what_a_model_compiled_itself_with_is_as_in_the_file(tmp_path: Path) -> None:
    model = Ready()
    model.before.table = Table(2.0)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mae", metrics=["mse"])
    model.train_on_batch(INPUTS, INPUTS[:, :3])
    loaded = loaded_again(model, tmp_path / "bundle")
    assert isinstance(loaded.optimizer, keras.optimizers.SGD)
    for one in (model, loaded):
        one.train_on_batch(INPUTS, INPUTS[:, :3])
    np.testing.assert_array_equal(outputs(loaded), outputs(model))


def test_parts_that_wait_for_assets_are_made_when_they_are_called(tmp_path: Path) -> None:
    model = Ready()
    model.before.table = Table(2.0)
    model.before.table.lookups = 7
    expected = keras.ops.convert_to_numpy(model.before(INPUTS))
    loaded = loaded_again(model, tmp_path / "bundle")
    assert loaded.before.table.lookups == 7
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(loaded.before(INPUTS)), expected)


class Settings:
    pass


@kport.register("tests_of_others")
class Spare(keras.layers.Layer):
    def build(self, shape: Any) -> None:
        self.settings = Settings()

    def call(self, x: Any) -> Any:
        return x


@kport.register("tests_of_others")
class WithSpare(keras.Model):
    def __init__(self, spare: Any) -> None:
        super().__init__()
        self.spare, self.dense = spare, keras.layers.Dense(2)

    def call(self, x: Any) -> Any:
        return self.dense(x)


# Keras says so of the part that its own trace does not call.
@pytest.mark.filterwarnings("ignore:`build\\(\\)` was called on layer:UserWarning")
def test_what_a_layer_that_was_never_called_cannot_take_is_told(tmp_path: Path) -> None:
    spare = Spare()
    spare.settings = Settings()
    spare.settings.rate = 3.0
    model = WithSpare(spare)
    model(np.ones((1, 2), "float32"))
    kport.save(model, tmp_path / "bundle")
    loaded = kport.load(tmp_path / "bundle")
    assert "spare.settings.rate" in kport.report_of(loaded).dropped
