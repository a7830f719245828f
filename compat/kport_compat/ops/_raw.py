"""Raw operations of TensorFlow in terms of its functions (``tensorflow/core/ops/*_ops.cc``, 2.3).

TensorFlow 2.0 to 2.3 recorded calls in functional models operation by operation
(`TensorFlowOpLayer`). An operation has inputs in order and attributes by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["RAW", "raw_call"]

Attributes = Mapping[str, Any]
Call = tuple[str, list[Any], dict[str, Any]]
_Raw = Callable[[list[Any], Attributes], Call]

_MATH = """
    Abs Exp Expm1 Log Log1p Sqrt Rsqrt Square Reciprocal Sign Floor Ceil Round Sin Cos Tan Asin
    Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh Erf Sigmoid
"""

RAW: dict[str, _Raw] = {}
"""Name of an operation -> its call: a symbol of `ADAPTERS`, arguments, keyword arguments."""


def raw_call(op: str, inputs: list[Any], attributes: Attributes) -> Call | None:
    """Return the call that an operation is, None for one that is not known."""
    return RAW[op](inputs, attributes) if op in RAW else None


def _plain(names: str, symbol: str) -> None:
    for name in names.split():
        RAW[name] = lambda inputs, attributes: (symbol, inputs, {})


for _names, _symbol in {
    "Add AddV2": "math.add",
    "Sub": "math.subtract",
    "Mul": "math.multiply",
    "RealDiv Div": "math.truediv",
    "DivNoNan": "math.divide_no_nan",
    "FloorDiv": "math.floordiv",
    "FloorMod": "math.floormod",
    "Maximum": "math.maximum",
    "Minimum": "math.minimum",
    "Pow": "math.pow",
    "SquaredDifference": "math.squared_difference",
    "Atan2": "math.atan2",
    "Equal": "math.equal",
    "NotEqual": "math.not_equal",
    "Greater": "math.greater",
    "GreaterEqual": "math.greater_equal",
    "Less": "math.less",
    "LessEqual": "math.less_equal",
    "LogicalAnd": "math.logical_and",
    "LogicalOr": "math.logical_or",
    "LogicalNot": "math.logical_not",
    "SelectV2": "where",
    "Identity": "identity",
    "StopGradient": "stop_gradient",
    "Relu": "nn.relu",
    "Relu6": "nn.relu6",
    "Elu": "nn.elu",
    "Selu": "nn.selu",
    "Softplus": "math.softplus",
    "Softsign": "math.softsign",
    "Softmax": "nn.softmax",
    "LogSoftmax": "nn.log_softmax",
    "ZerosLike": "zeros_like",
    "OnesLike": "ones_like",
    "Reshape": "reshape",
    "Transpose": "transpose",
    "ExpandDims": "expand_dims",
    "Tile": "tile",
    "Pad PadV2": "pad",
    "ReverseV2": "reverse",
    "Slice": "slice",
    "BroadcastTo": "broadcast_to",
    "Fill": "fill",
    "Range": "range",
    "Size": "size",
    "Rank": "rank",
    "GatherNd": "gather_nd",
}.items():
    _plain(_names, _symbol)

for _name in _MATH.split():
    _plain(_name, f"math.{_name.lower()}")
_plain("Neg", "math.negative")


def _given(names: str, symbol: str, **words: str) -> None:
    """Attributes become keyword arguments: argument = attribute."""

    def call(inputs: list[Any], attributes: Attributes) -> Call:
        kwargs = {to: attributes[name] for to, name in words.items() if name in attributes}
        return symbol, inputs, kwargs

    for name in names.split():
        RAW[name] = call


for _word in ("Sum", "Mean", "Max", "Min", "Prod", "All", "Any"):
    _given(_word, f"math.reduce_{_word.lower()}", keepdims="keep_dims")
_given("Cast", "cast", dtype="DstT")
_given("Shape", "shape", out_type="out_type")
_given("Squeeze", "squeeze", axis="squeeze_dims")
_given("LeakyRelu", "nn.leaky_relu", alpha="alpha")
_given("MatMul", "linalg.matmul", transpose_a="transpose_a", transpose_b="transpose_b")
_given("BatchMatMul BatchMatMulV2", "linalg.matmul", adjoint_a="adj_x", adjoint_b="adj_y")
_given("BiasAdd", "nn.bias_add", data_format="data_format")
_given("ArgMax", "math.argmax", output_type="output_type")
_given("ArgMin", "math.argmin", output_type="output_type")
_given("Cumsum", "math.cumsum", exclusive="exclusive", reverse="reverse")
_given("MirrorPad", "pad", mode="mode")
_given("OneHot", "one_hot", axis="axis")
_given("TopKV2", "math.top_k", sorted="sorted")
_given("Unpack", "unstack", num="num", axis="axis")
_given(
    "StridedSlice",
    "strided_slice",
    begin_mask="begin_mask",
    end_mask="end_mask",
    ellipsis_mask="ellipsis_mask",
    new_axis_mask="new_axis_mask",
    shrink_axis_mask="shrink_axis_mask",
)
for _word in ("MaxPool", "AvgPool"):
    _given(
        _word,
        f"nn.{_word[:3].lower()}_pool",
        ksize="ksize",
        strides="strides",
        padding="padding",
        data_format="data_format",
    )
_given(
    "Conv2D",
    "nn.conv2d",
    strides="strides",
    padding="padding",
    data_format="data_format",
    dilations="dilations",
)
for _word, _function in (
    ("ResizeBilinear", "bilinear"),
    ("ResizeNearestNeighbor", "nearest_neighbor"),
):
    _given(
        _word,
        f"image.resize_{_function}",
        align_corners="align_corners",
        half_pixel_centers="half_pixel_centers",
    )


def _several(name: str, call: _Raw) -> None:
    RAW[name] = call


_several("AddN", lambda inputs, attributes: ("math.add_n", [inputs], {}))
_several("ConcatV2", lambda inputs, attributes: ("concat", [inputs[:-1], inputs[-1]], {}))
_several(
    "Pack", lambda inputs, attributes: ("stack", [inputs], {"axis": attributes.get("axis", 0)})
)
_several(
    "Split",
    lambda inputs, attributes: (
        "split",
        [inputs[1], attributes["num_split"]],
        {"axis": inputs[0]},
    ),
)
_several(
    "SplitV",
    lambda inputs, attributes: ("split", inputs[:2], {"axis": inputs[2]}),
)
_several(
    "GatherV2",
    lambda inputs, attributes: (
        "gather",
        inputs[:2],
        {"axis": inputs[2], "batch_dims": attributes.get("batch_dims", 0)},
    ),
)
