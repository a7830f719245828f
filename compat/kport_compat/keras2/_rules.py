"""What changed between the layers of Keras 2 and of Keras 3, one entry a change.

A rule names layers and one key of their config. ``*`` means every layer. Sources: the
``get_config`` methods of tf.keras 2.0 to 2.15 (``keras/layers/``) on the one side and the
constructors of Keras 3.15 (``keras/src/layers/``) on the other. Keras 3 raises on an argument it
does not know, so a missing rule is an error at load and never a wrong number.
"""

from __future__ import annotations

from typing import Any

from kport.checkpoint import JSON
from kport_compat.keras2._kinds import (
    Change,
    Drop,
    Lose,
    Off,
    Only,
    Own,
    Refuse,
    Rename,
    Rule,
    Tell,
)
from kport_compat.keras2._log import Log

__all__ = ["CLASSES", "GONE", "MASKABLE", "OWN", "REFUSED", "RULES", "own_reason", "rules_for"]


def _one_axis(axis: Any) -> Any:
    # tf.keras 2 writes the axis it normalizes as [3]; Keras 3 takes a number.
    return axis[0] if isinstance(axis, list) and len(axis) == 1 else axis


def _lambda(function: Any) -> Any:
    # A list is marshalled Python code, a string the name of a function.
    if isinstance(function, str):
        return {
            "module": "builtins",
            "class_name": "function",
            "config": function,
            "registered_name": function,
        }
    if isinstance(function, list) and len(function) == 3:
        keys = ("code", "defaults", "closure")
        return {"class_name": "__lambda__", "config": dict(zip(keys, function, strict=True))}
    return function


def _steps_first(config: JSON) -> bool:
    inner = [config.get(key) for key in ("layer", "backward_layer")]
    configs = [one.get("config") for one in inner if isinstance(one, dict)]
    return any(isinstance(one, dict) and one.get("time_major") for one in configs)


def _masks_unheeded(log: Log) -> bool:
    # MultiHeadAttention heeds the masks of its inputs from Keras 2.10 on.
    return "masks" in log.facts and log.version < (2, 10)


_CONVOLUTIONAL = "ConvLSTM1D ConvLSTM2D ConvLSTM3D"
_RECURRENT = f"LSTM GRU SimpleRNN RNN {_CONVOLUTIONAL}"
MASKABLE = frozenset({"Bidirectional", "GRU", "LSTM", "RNN", "SimpleRNN"})
"""Recurrent layers that heed masks beside an initial state only as kport's own."""
_CELLS = "LSTMCell GRUCell SimpleRNNCell StackedRNNCells"
_UNGROUPED = (
    "Conv1DTranspose Conv2DTranspose Conv3DTranspose DepthwiseConv1D DepthwiseConv2D "
    "SeparableConv1D SeparableConv2D Convolution1DTranspose Convolution2DTranspose "
    "Convolution3DTranspose SeparableConvolution1D SeparableConvolution2D"
)
_SEPARABLE = "SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D"
_RANDOM = (
    "RandomBrightness RandomContrast RandomCrop RandomFlip RandomRotation RandomTranslation "
    "RandomZoom"
)
_BATCH = "BatchNormalization SyncBatchNormalization"
_SPATIAL = "SpatialDropout1D SpatialDropout2D SpatialDropout3D"

RULES: tuple[Rule, ...] = (
    # Where the shape comes from: Keras 3 asks the InputLayer alone, see _models.
    Drop("*", "batch_input_shape input_shape batch_size input_dtype"),
    Only("*", "dynamic", (False, None)),
    Only("*", "autocast", (True, None)),
    Drop("Embedding Dense", "input_length"),
    Only("Dense", "input_dim", (None,)),
    # Recurrent layers.
    Drop(f"{_RECURRENT} {_CELLS}", "implementation"),
    Off("LSTM GRU SimpleRNN RNN", "time_major", ""),
    Only(_CONVOLUTIONAL, "time_major", (False,)),
    Refuse("Bidirectional", _steps_first, "wraps a layer with time_major=True"),
    Only(_CONVOLUTIONAL, "unroll", (False,)),
    Only(_RECURRENT, "num_constants", (0, None)),
    Drop(_CELLS, "reverse_state_order"),
    Only("Bidirectional", "weights", (None,)),
    # Convolutions.
    Only(_UNGROUPED, "groups", (1,)),
    Drop(_SEPARABLE, "kernel_initializer kernel_regularizer kernel_constraint"),
    # Normalization.
    Change(_BATCH, "axis", _one_axis),
    Drop(f"{_BATCH} LayerNormalization", "fused"),
    Lose(
        _BATCH,
        "synchronized",
        "Keras 3 averages over devices on TensorFlow alone, so it is off; set it to go on there",
    ),
    Off(_BATCH, "renorm", "renorm_clipping renorm_momentum"),
    Only(_BATCH, "virtual_batch_size", (None,)),
    Only(_BATCH, "adjustment", (None,)),
    # Attention.
    Drop("MultiHeadAttention", "query_shape key_shape value_shape softmax_robust_masking"),
    Tell("MultiHeadAttention", _masks_unheeded, "heeds_masks", False),
    Only("Attention AdditiveAttention", "causal", (False,)),
    # Activations and regularization.
    Rename("LeakyReLU", "alpha", "negative_slope"),
    Only(_SPATIAL, "noise_shape", (None,)),
    Drop(f"{_SPATIAL} Discretization", "trainable"),
    # Code.
    Drop("Lambda", "module function_type output_shape_type output_shape_module"),
    Change("Lambda", "function", _lambda),
    # Preprocessing.
    Drop(_RANDOM, "rng_type"),
    Rename("Discretization", "bins", "bin_boundaries"),
    Drop("IntegerLookup StringLookup TextVectorization", "has_input_vocabulary"),
    Rename("IntegerLookup", "max_values", "max_tokens"),  # TensorFlow 2.3
    Rename("IntegerLookup", "mask_value", "mask_token"),
    Rename("IntegerLookup", "oov_value", "oov_token"),
    Rename("CategoryEncoding", "max_tokens", "num_tokens"),
    # Inputs.
    Only("InputLayer", "ragged", (False,)),
    Drop("InputLayer", "input_tensor"),
)

CLASSES: dict[str, tuple[str, JSON]] = {
    "BatchNormalizationV1": ("BatchNormalization", {}),
    "BatchNormalizationV2": ("BatchNormalization", {}),
}
"""Layer class of Keras 2 -> its name in Keras 3 and what has to be said in addition."""

_PLAIN = ("bilinear", "nearest")  # the methods that every backend computes as TensorFlow does
_GONE_LAYER = "Keras 3 has no such layer; kport's own one takes its place"

OWN: tuple[Own, ...] = (
    Own(
        "LinearModel LocallyConnected1D LocallyConnected2D RandomFourierFeatures "
        "RandomHeight RandomWidth ResidualWrapper SyncBatchNormalization ThresholdedReLU "
        "WideDeepModel",
        _GONE_LAYER,
    ),
    Own("RandomCrop", "at inference Keras 2 resizes to the size of the crop, Keras 3 does not"),
    Own(
        "Resizing UpSampling2D",
        "backends disagree about this method, so kport's own layer computes it",
        lambda config, log: config.get("interpolation", "nearest") not in _PLAIN,
    ),
    Own(
        "Resizing",
        "Keras 3 rounds where images are whole numbers, so kport's own layer takes its place",
        lambda config, log: "integers" in log.facts,
    ),
    Own(
        "MultiHeadAttention",
        "Keras 3 on JAX wants values as wide as keys, so kport's own layer takes its place",
        lambda config, log: config.get("value_dim") not in (None, config.get("key_dim")),
    ),
    Own(
        "MultiHeadAttention",
        "Keras 3 lets a query whose keys are all masked attend to none, so kport's own layer does",
        lambda config, log: (
            bool(log.facts & {"masks", "attention masks"})
            and not config.get("softmax_robust_masking")
        ),
    ),
    Own(
        "BatchNormalization BatchNormalizationV1 BatchNormalizationV2",
        "Keras 3 normalizes over one axis, so kport's own layer takes its place",
        lambda config, log: isinstance(config.get("axis"), list) and len(config["axis"]) > 1,
    ),
    Own(
        "LayerNormalization",
        "Keras 3 on PyTorch normalizes over the last axes only, so kport's own layer does",
        lambda config, log: isinstance(config.get("axis"), list) and len(config["axis"]) > 1,
    ),
    Own(
        "AveragePooling1D AveragePooling2D AveragePooling3D",
        "Keras 3 on PyTorch counts the padding, so kport's own layer takes its place",
        lambda config, log: config.get("padding") == "same",
    ),
    Own(
        "LSTM GRU SimpleRNN RNN",
        "Keras 3 on JAX puts out the state where Keras 2 puts out zeros, so kport's own layer does",
        lambda config, log: bool(config.get("stateful")) and "masks" in log.facts,
    ),
    Own(
        "Add Average Concatenate Maximum Minimum Multiply Subtract",
        "Keras 3 merges masks otherwise, so kport's own layer takes its place",
        lambda config, log: "masks" in log.facts,
    ),
    Own(
        "Identity Normalization Permute Rescaling Reshape",
        "Keras 3 hands masks on where Keras 2 ends them, so kport's own layer takes its place",
        lambda config, log: "masks" in log.facts,
    ),
    Own(
        "SeparableConv1D",
        "Keras 3 has no causal padding here, so kport's own layer takes its place",
        lambda config, log: config.get("padding") == "causal",
    ),
    Own(
        "LSTM GRU SimpleRNN RNN",
        "Keras 3 has no time_major, so kport's own layer takes its place",
        lambda config, log: bool(config.get("time_major")),
    ),
    Own(
        "SimpleRNN",
        "Keras 3 forgets its activity_regularizer, so kport's own layer takes its place",
        lambda config, log: bool(config.get("activity_regularizer")),
    ),
)
"""Layers that kport computes itself, each with the reason."""

REFUSED = dict.fromkeys(
    ("DenseFeatures", "SequenceFeatures"),
    "Keras 3 has no feature columns; build the model with preprocessing layers in its place "
    "(Normalization, StringLookup, IntegerLookup, Discretization, Hashing, CategoryEncoding, "
    "Embedding) and take the weights of the others with kport.load_weights(model, path)",
)
"""Layer class that nothing here takes the place of -> why, and what to do."""

GONE = {"Discretization": "summary"}
"""Layer class -> the last part of the name of a weight that only Keras 2 has."""


def rules_for(name: str) -> list[Rule]:
    """Return the rules of one layer class, the general ones first."""
    return [rule for rule in RULES if rule.layers == "*" or name in rule.layers.split()]


def own_reason(name: str, config: JSON, log: Log) -> str:
    """Return why kport's own layer stands for one of Keras 2, empty where it does not."""
    fits = (one.why for one in OWN if name in one.layers.split() and one.when(config, log))
    return next(fits, "")
