"""The words of Keras 1 and those of Keras 2, one entry a word.

Source: the ``get_config`` methods of ``keras/layers/`` of Keras 1.2.2 on one side and of 2.2.4 on
the other.
"""

from __future__ import annotations

__all__ = ["ARGUMENTS", "CLASSES", "DROPPED", "INITIALIZERS", "MARKS", "MERGES", "OWN", "SIZES"]

CLASSES = {
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "SeparableConvolution2D": "SeparableConv2D",
    "TimeDistributedDense": "Dense",
}
"""Layer class -> its name in Keras 2."""

MERGES = {
    "ave": "Average",
    "concat": "Concatenate",
    "dot": "Dot",
    "max": "Maximum",
    "mul": "Multiply",
    "sum": "Add",
}
"""Mode of the layer Merge -> the layer of Keras 2 that does it."""

OWN = {
    "Embedding": {
        "init": "embeddings_initializer",
        "output_dim": "output_dim",
        "W_regularizer": "embeddings_regularizer",
        "W_constraint": "embeddings_constraint",
    },
    "PReLU": {"init": "alpha_initializer"},
    "UpSampling1D": {"length": "size"},
    "BatchNormalization": {"beta_init": "beta_initializer", "gamma_init": "gamma_initializer"},
}
"""Layer class -> words that mean something else there than in `ARGUMENTS`."""

ARGUMENTS = {
    "U_regularizer": "recurrent_regularizer",
    "W_constraint": "kernel_constraint",
    "W_regularizer": "kernel_regularizer",
    "atrous_rate": "dilation_rate",
    "b_constraint": "bias_constraint",
    "b_regularizer": "bias_regularizer",
    "bias": "use_bias",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "dropout_U": "recurrent_dropout",
    "dropout_W": "dropout",
    "filter_length": "kernel_size",
    "init": "kernel_initializer",
    "inner_activation": "recurrent_activation",
    "inner_init": "recurrent_initializer",
    "nb_filter": "filters",
    "output_dim": "units",
    "p": "rate",
    "pool_length": "pool_size",
    "sigma": "stddev",
    "stride": "strides",
    "subsample": "strides",
    "subsample_length": "strides",
}
"""Argument -> its name in Keras 2; values change by their names, see ``_values``."""

SIZES = (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3"))
"""Arguments that are one kernel_size in Keras 2."""

DROPPED = ("consume_less", "forget_bias_init", "input_dim", "input_dtype", "input_length")
"""Arguments that change no output; input_dim and input_length stay where a layer needs them."""

MARKS = frozenset(
    {
        "W_constraint",
        "W_regularizer",
        "border_mode",
        "consume_less",
        "dim_ordering",
        "init",
        "inner_init",
        "nb_filter",
        "pool_length",
        "subsample",
    }
)
"""Arguments that no later Keras writes, and that most layers with weights of Keras 1 have."""

INITIALIZERS = {
    "glorot_normal": "glorot_normal",
    "glorot_uniform": "glorot_uniform",
    "he_normal": "he_normal",
    "he_uniform": "he_uniform",
    "identity": "identity",
    "lecun_uniform": "lecun_uniform",
    "normal": "random_normal",
    "one": "ones",
    "orthogonal": "orthogonal",
    "uniform": "random_uniform",
    "zero": "zeros",
}
"""Initializer -> its name in Keras 2."""
