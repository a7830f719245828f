"""Write docs/legacy.md out of the rules that translate old files: ``make docs``.

A test fails when the page is not what this gives.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from kport_compat.keras1._layers import _GONE as GONE_OF_1
from kport_compat.keras1._words import CLASSES as CLASSES_OF_1
from kport_compat.keras1._words import MERGES
from kport_compat.keras2._kinds import Only
from kport_compat.keras2._log import Log
from kport_compat.keras2._names import module_of
from kport_compat.keras2._rules import CLASSES, OWN, rules_for
from kport_compat.lambdas._functions import BACKEND
from kport_compat.ops import ADAPTERS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "legacy.md"

# Classes in tf.keras.layers of 2.15.1, without base classes; and those that 2.0 to 2.14 had.
_NAMES = """
Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average
AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D
BatchNormalization Bidirectional CategoryEncoding CenterCrop Concatenate Conv1D Conv1DTranspose
Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D
Convolution1DTranspose Convolution2D Convolution2DTranspose Convolution3D Convolution3DTranspose
Cropping1D Cropping2D Cropping3D Dense DenseFeatures DepthwiseConv1D DepthwiseConv2D
Discretization Dot Dropout ELU EinsumDense Embedding Flatten GRU GRUCell GaussianDropout
GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D
GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization HashedCrossing
Hashing Identity InputLayer IntegerLookup LSTM LSTMCell Lambda LayerNormalization LeakyReLU
LocallyConnected1D LocallyConnected2D Masking MaxPool1D MaxPool2D MaxPool3D MaxPooling1D
MaxPooling2D MaxPooling3D Maximum Minimum MultiHeadAttention Multiply Normalization PReLU
Permute RNN RandomBrightness RandomContrast RandomCrop RandomFlip RandomHeight RandomRotation
RandomTranslation RandomWidth RandomZoom ReLU RepeatVector Rescaling Reshape Resizing
SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D SimpleRNN
SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization
StackedRNNCells StringLookup Subtract TextVectorization ThresholdedReLU TimeDistributed
UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D
ZeroPadding3D
"""
LAYERS = _NAMES.split()
EARLIER = ["CuDNNGRU", "CuDNNLSTM", "LinearModel", "RandomFourierFeatures", "WideDeepModel"]

STRINGS = "strings need TensorFlow: JAX and PyTorch have none; whole numbers work on all"
TENSORFLOW = {
    "HashedCrossing": STRINGS,
    "Hashing": STRINGS,
    "StringLookup": "needs TensorFlow: its inputs are strings",
    "TextVectorization": "needs TensorFlow: its inputs are strings",
}
CANNOT = {
    "CuDNNGRU": "its weights are in the order of a library; load it with Keras 2 and save as GRU",
    "CuDNNLSTM": "its weights are in the order of a library; load it with Keras 2 and save as LSTM",
    "DeviceWrapper": "says where to run, which Keras 3 leaves to the backend",
    "DropoutWrapper": "wraps a cell for one training; no counterpart",
    "TFSMLayer": "runs the graph of a SavedModel, so it stays with TensorFlow",
}

HEAD = """# What becomes of old files

This page is made of the rules themselves by `make docs`; a test fails when it is out of date.

Every file below is proven by files that pinned old versions wrote (`tests/golden`, remade by
`tests/golden/scripts/remake.sh`): Keras 1.2.2 under TensorFlow and Theano, 2.2.4, 2.3.1, and
tf.keras 1.15, 2.3, 2.6, 2.9, 2.12 and 2.15. What cannot be proven equal is refused with the reason.

- **native**: a layer of Keras 3.
- **kport**: a small layer of kport's own, of `keras.ops`, registered as `kport>Name`.
- **TensorFlow**: loads on the TensorFlow backend alone.
- **no**: refused, and why.
"""


def page() -> str:
    """Return the text of the page."""
    return "\n".join([HEAD, *_layers(), "", *_keras_1(), "", *_functions(), "", *_lambdas(), ""])


def _layers() -> Iterator[str]:
    yield "## Layers of Keras 2"
    yield ""
    yield "| layer | becomes | notes |"
    yield "|---|---|---|"
    for name in sorted({*LAYERS, *EARLIER, *CANNOT}):
        becomes, notes = _layer(name)
        yield f"| {name} | {becomes} | {notes} |"


def _layer(name: str) -> tuple[str, str]:
    if name in TENSORFLOW:
        return "TensorFlow", TENSORFLOW[name]
    log = Log(lambda node, log: node)
    own = [one for one in OWN if name in one.layers.split()]
    always = [one.why for one in own if one.when({}, log)]
    if always:
        return "kport", always[0]
    named = CLASSES[name][0] if name in CLASSES else name
    if module_of(named, "layers") is None:
        return "no", CANNOT.get(name, "no layer of Keras 3 computes this")
    notes = [one.why for one in own]
    notes += [
        f"`{rule.key}` only {' or '.join(map(repr, rule.neutral))}"
        for rule in rules_for(name)
        if isinstance(rule, Only) and rule.layers != "*"
    ]
    if name == "Lambda":
        return "native or kport", "its code is never run, see below"
    becomes = "native or kport" if own else "native"
    return becomes if named == name else f"{becomes} ({named})", "; ".join(notes)


def _keras_1() -> Iterator[str]:
    yield "## Keras 1"
    yield ""
    yield (
        "Its words (`nb_filter`, `border_mode`, `dim_ordering`, `init`, `W_regularizer`, "
        "`inner_activation`, ...) are those of Keras 2 first, then the table above holds. Gates of "
        "LSTM and GRU are joined, kernels turned into today's order, and around once more where "
        "Theano wrote them."
    )
    yield ""
    yield "| layer | becomes |"
    yield "|---|---|"
    for name, new in sorted(CLASSES_OF_1.items()):
        yield f"| {name} | {new} |"
    for mode, new in sorted(MERGES.items()):
        yield f"| Merge, mode {mode} | {new} |"
    for name, why in sorted(GONE_OF_1.items()):
        yield f"| {name} | no: {why} |"
    yield "| Merge, mode cos, or a function | no: no layer of Keras 2 |"
    yield "| BatchNormalization, mode 1 or 2 | no: it normalizes by the batch even at inference |"
    yield "| Highway, MaxoutDense | no: no later Keras has them; register a class of that name |"


def _functions() -> Iterator[str]:
    yield "## TensorFlow functions in functional models"
    yield ""
    yield (
        f"{len(ADAPTERS)} functions are computed by `keras.ops` on every backend. A call of any "
        "other one is refused by its name."
    )
    groups: dict[str, list[str]] = {}
    for symbol in sorted(ADAPTERS):
        room, _, name = symbol.rpartition(".")
        groups.setdefault(room, []).append(name)
    for room, found in sorted(groups.items()):
        yield ""
        yield f"- `tf.{room}`: {', '.join(found)}" if room else f"- `tf`: {', '.join(found)}"


def _lambdas() -> Iterator[str]:
    yield "## Lambda layers"
    yield ""
    yield (
        "Code is read as text and never run. An expression of operators, indices, the functions "
        "above and these of `keras.backend` is computed by kport: "
        f"{', '.join(sorted(BACKEND))}. For any other, `kport.load(path, lambdas={{'layer': f}})`."
    )


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE.name} is written\n")
