"""Trainable flags, dtype policies, quantized layers, LoRA adapters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from scenarios._core import Call, batch, component, scenario, simple

Dense = keras.layers.Dense


def chain(*layers: Any) -> keras.Model:
    return keras.Sequential([keras.Input((3,)), *layers])


def with_adapters(model: keras.Model) -> keras.Model:
    """Give the adapters values, as training would; they begin as zeros."""
    for weight in model.weights:
        if "lora" in weight.path:
            weight.assign(0.1 + batch(*weight.shape))
    return model


@component
class Pair(keras.Model):
    def __init__(self, dtype_of_second: str | None = None) -> None:
        super().__init__()
        self.one, self.two = Dense(4), Dense(2, dtype=dtype_of_second)

    def call(self, x: Any) -> Any:
        return self.two(self.one(x))


@component
class Block(keras.layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.norm = Dense(3), keras.layers.BatchNormalization()

    def call(self, x: Any, training: bool = False) -> Any:
        return self.norm(self.inner(x), training=training)


@component
class Stack(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.pair, self.block, self.out = Pair(), Block(), Dense(2)

    def call(self, x: Any) -> Any:
        return self.out(self.block(keras.ops.concatenate([self.pair(x), x], -1)))


def built(model: keras.Model) -> keras.Model:
    model(batch(4, 3))
    return model


@scenario("trainable_sequential")
def frozen_layers_of_a_sequential() -> tuple[keras.Model, Call]:
    return simple(chain(Dense(4, trainable=False), keras.layers.BatchNormalization(), Dense(2)))


@scenario("trainable_functional_nested")
def frozen_layers_of_a_nested_functional() -> tuple[keras.Model, Call]:
    inner = chain(Dense(3), Dense(3, name="kept"))
    inner.layers[0].trainable = False
    entry = keras.Input((3,))
    return simple(keras.Model(entry, Dense(2)(inner(entry))))


@scenario("trainable_whole_submodel")
def a_whole_frozen_part() -> tuple[keras.Model, Call]:
    inner = chain(Dense(3), keras.layers.BatchNormalization())
    inner.trainable = False
    entry = keras.Input((3,))
    return simple(keras.Model(entry, Dense(2)(inner(entry))))


@scenario("trainable_subclassed_inner", "trainable_subclassed_nested_model")
def frozen_layers_of_a_subclassed_model() -> tuple[keras.Model, Call]:
    model = built(Stack())
    model.pair.trainable = False
    model.block.norm.trainable = False
    return simple(model)


@scenario("trainable_custom_layer_in_functional", "functional_with_sub_layer_nobuild")
def a_frozen_layer_inside_a_layer_of_a_functional() -> tuple[keras.Model, Call]:
    entry = keras.Input((3,))
    block = Block()
    model = keras.Model(entry, Dense(2)(block(entry)))
    block.inner.trainable = False
    return simple(model)


@scenario("variable_trainable_flag")
def a_frozen_variable() -> tuple[keras.Model, Call]:
    model = built(Pair())
    model.one.kernel.trainable = False
    return simple(model)


def _all_in(dtype: str, tolerance: float) -> None:
    def make() -> tuple[keras.Model, Call]:
        return simple(chain(Dense(4, dtype=dtype), Dense(2, dtype=dtype)))

    make.__name__ = f"all_in_{dtype}"
    scenario(f"dtype_{dtype}", tolerance=tolerance)(make)


# The backends round at different steps of a layer.
for _dtype, _tolerance in (("bfloat16", 3e-2), ("float16", 3e-3)):
    _all_in(_dtype, _tolerance)
    _all_in(f"mixed_{_dtype}", _tolerance)


@scenario(tolerance=2e-3)
def policies_of_layers() -> tuple[keras.Model, Call]:
    model = keras.Sequential(
        [
            keras.Input((3,)),
            Dense(4, dtype="float16"),
            Dense(4, dtype="mixed_float16"),
            Dense(4, dtype="float32"),
        ]
    )
    return simple(model)


@scenario("dtype_per_layer_subclassed", tolerance=2e-2)
def bfloat16_inside_a_subclassed_model() -> tuple[keras.Model, Call]:
    return simple(Pair("bfloat16"))


@scenario(tolerance=2e-3)
def policies_set_after_construction() -> tuple[keras.Model, Call]:
    model = Stack()
    model.pair.one.dtype_policy = "mixed_float16"
    model.block.inner.dtype_policy = "float16"
    return simple(model)


@scenario("dtype_policy_map", tolerance=2e-3)
def a_policy_map() -> tuple[keras.Model, Call]:
    policies = keras.dtype_policies.DTypePolicyMap()
    policies["mapped/first"] = keras.DTypePolicy("mixed_float16")
    layers = [keras.Input((3,)), Dense(4, dtype=policies, name="first"), Dense(2)]
    return simple(keras.Sequential(layers, name="mapped"))


@scenario(tolerance=2e-3)
def attention_under_a_policy() -> tuple[keras.Model, Call]:
    entry = keras.Input((3, 4))
    attention = keras.layers.MultiHeadAttention(2, 3, dtype="mixed_float16")
    return keras.Model(entry, attention(entry, entry)), ((batch(2, 3, 4),), {})


@component
class EinsumAndEmbedding(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.embed = keras.layers.Embedding(7, 4)
        self.einsum = keras.layers.EinsumDense("abc,cd->abd", (None, 6), bias_axes="d")
        self.out = Dense(2)

    def call(self, x: Any) -> Any:
        return self.out(self.einsum(self.embed(x)))


def tokens(model: keras.Model) -> tuple[keras.Model, Call]:
    return model, ((np.arange(20, dtype="int32").reshape(4, 5) % 7,), {})


def functional_tokens() -> keras.Model:
    entry = keras.Input((5,), dtype="int32")
    x = keras.layers.Embedding(7, 4)(entry)
    x = keras.layers.EinsumDense("abc,cd->abd", (None, 6), bias_axes="d")(x)
    return keras.Model(entry, Dense(2)(x))


def attention() -> keras.Model:
    entry = keras.Input((3, 4))
    return keras.Model(entry, keras.layers.MultiHeadAttention(2, 3)(entry, entry))


def subclassed_tokens() -> keras.Model:
    model = EinsumAndEmbedding()
    model(np.zeros((1, 5), "int32"))
    return model


# How a model is made -> the model and its call.
MADE: dict[str, Callable[[], tuple[keras.Model, Call]]] = {
    "sequential": lambda: simple(chain(Dense(8), Dense(4))),
    "subclassed": lambda: simple(built(Stack())),
    "functional_tokens": lambda: tokens(functional_tokens()),
    "subclassed_tokens": lambda: tokens(subclassed_tokens()),
    "attention": lambda: (attention(), ((batch(2, 3, 4),), {})),
}


def lora(model: keras.Model) -> None:
    for layer in model._flatten_layers():
        if hasattr(layer, "enable_lora"):
            layer.enable_lora(2, lora_alpha=3)
    with_adapters(model)


def quantize(mode: str) -> Callable[[keras.Model], None]:
    return lambda model: model.quantize(mode)


def quantize_some(model: keras.Model) -> None:
    model.quantize("int8", filters="one")


def by_blocks(model: keras.Model) -> None:
    model.quantize(config=keras.quantizers.Int4QuantizationConfig(block_size=2))


def weights_only(model: keras.Model) -> None:
    quantizer = keras.quantizers.AbsMaxQuantizer(axis=0)
    model.quantize(config=keras.quantizers.Int8QuantizationConfig(quantizer, None))


def both(mode: str) -> Callable[[keras.Model], None]:
    def change(model: keras.Model) -> None:
        model.quantize(mode)
        lora(model)

    return change


CHANGED = {
    "int8": (quantize("int8"), tuple(MADE)),
    "int4": (quantize("int4"), tuple(MADE)),
    "float8": (quantize("float8"), ("sequential", "subclassed", "attention")),
    "int8_in_part": (quantize_some, ("subclassed",)),
    "int8_of_weights_only": (weights_only, ("sequential", "subclassed")),
    "int4_by_blocks": (by_blocks, ("sequential", "subclassed")),
    "lora": (lora, tuple(MADE)),
    "int8_and_lora": (both("int8"), ("sequential", "subclassed", "subclassed_tokens")),
    "int4_and_lora": (both("int4"), ("sequential", "subclassed")),
}


_ROWS = {
    "int8_sequential": ("quant_int8",),
    "int4_sequential": ("quant_int4",),
    "float8_sequential": ("quant_float8",),
    "int8_functional_tokens": ("quant_int8_embedding_einsum",),
    "int8_subclassed": ("quant_int8_subclassed",),
    "int8_in_part_subclassed": ("quant_int8_partial_filter",),
    "lora_sequential": ("lora_dense", "lora_trained_adapter_values_kept"),
    "lora_subclassed": ("lora_subclassed",),
    "int8_and_lora_sequential": ("lora_int8",),
}


def _changed(name: str, made: str, change: Callable[[keras.Model], None]) -> None:
    def make() -> tuple[keras.Model, Call]:
        model, call = MADE[made]()
        change(model)
        return model, call

    make.__name__ = f"{name}_{made}"
    scenario(*_ROWS.get(make.__name__, ()))(make)


for _name, (_change, _kinds) in CHANGED.items():
    for _made in _kinds:
        _changed(_name, _made, _change)


@scenario("spectral_norm_weightnorm")
def spectral_and_weight_normalization() -> tuple[keras.Model, Call]:
    layers = keras.layers
    return simple(chain(layers.SpectralNormalization(Dense(4)), Dense(2)))
