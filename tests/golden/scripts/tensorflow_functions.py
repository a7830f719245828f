"""Write what functions of TensorFlow 2.15.1 give, for ``tests/compat/test_ops_golden.py``.

Run with that version, in a folder of its own: ``python tensorflow_functions.py > functions.json``.
"""

import json

import numpy as np
import tensorflow as tf

INPUTS = {
    "x": ((np.arange(30) * 7 % 13 - 6) / 4).reshape(2, 3, 5).astype("f4"),
    "y": ((np.arange(30) * 5 % 11 - 4) / 3).reshape(2, 3, 5).astype("f4"),
    "p": ((np.arange(30) * 7 % 13 + 1) / 4).reshape(2, 3, 5).astype("f4"),
    "m": ((np.arange(32) * 5 % 9 - 4) / 2).reshape(2, 4, 4).astype("f4"),
    "image": ((np.arange(120) * 7 % 17) / 17).reshape(2, 4, 5, 3).astype("f4"),
    "deep": ((np.arange(64) * 7 % 17) / 17).reshape(2, 2, 2, 8).astype("f4"),
    "kernel": ((np.arange(24) * 5 % 7 - 3) / 4).reshape(2, 2, 3, 2).astype("f4"),
    "n": (np.arange(10) * 3 % 7).reshape(2, 5).astype("i4"),
    "k": np.array([[2, 0], [1, 1]], "i4"),
    "square": (np.arange(18) * 7 % 11 / 4).reshape(2, 3, 3).astype("f4"),
    "part": ((np.arange(30) * 7 % 13) / 12).reshape(2, 3, 5).astype("f4"),
    "other": ((np.arange(30) * 5 % 11) / 10).reshape(2, 3, 5).astype("f4"),
    "b": (np.arange(30) % 3 > 0).reshape(2, 3, 5),
}
CALLS = [
    *(
        (name, ["x"], {})
        for name in [
            "math.abs",
            "math.exp",
            "math.expm1",
            "math.sin",
            "math.cos",
            "math.tan",
            "math.atan",
            "math.sinh",
            "math.cosh",
            "math.tanh",
            "math.asinh",
            "math.erf",
            "math.erfc",
            "math.sigmoid",
            "math.log_sigmoid",
            "math.softplus",
            "math.softsign",
            "math.sign",
            "math.floor",
            "math.ceil",
            "math.round",
            "math.rint",
            "math.negative",
            "math.square",
            "nn.relu",
            "nn.relu6",
            "nn.elu",
            "nn.selu",
            "nn.gelu",
            "nn.silu",
            "nn.softmax",
            "nn.log_softmax",
            "nn.leaky_relu",
            "nn.crelu",
            "nn.l2_loss",
            "math.cumprod",
            "math.reduce_std",
            "math.reduce_variance",
            "math.reduce_logsumexp",
            "math.reduce_euclidean_norm",
            "sort",
            "argsort",
            "math.argmax",
            "zeros_like",
            "ones_like",
            "linalg.matrix_transpose",
            "size",
            "rank",
            "identity",
            "math.is_nan",
        ]
    ),
    *(
        (name, ["p"], {})
        for name in ["math.log", "math.log1p", "math.sqrt", "math.rsqrt", "math.reciprocal"]
    ),
    *(
        (name, ["x", "y"], {})
        for name in [
            "math.add",
            "math.subtract",
            "math.multiply",
            "math.divide",
            "math.maximum",
            "math.minimum",
            "math.squared_difference",
            "math.atan2",
            "math.divide_no_nan",
            "math.multiply_no_nan",
            "math.floordiv",
            "math.floormod",
            "math.equal",
            "math.not_equal",
            "math.less",
            "math.less_equal",
            "math.greater",
            "math.greater_equal",
            "math.xlogy",
            "math.xdivy",
        ]
    ),
    *(
        (f"math.reduce_{name}", ["x"], {"axis": axis, "keepdims": keep})
        for name in ("sum", "mean", "max", "min", "prod")
        for axis, keep in ((1, True), ([0, 2], False))
    ),
    *((f"math.{name}", ["n"], {"axis": 1}) for name in ("reduce_sum", "reduce_mean", "reduce_max")),
    *((f"math.reduce_{name}", ["b"], {"axis": 2}) for name in ("all", "any")),
    *(
        (name, ["x"], {"axis": 1, "exclusive": True, "reverse": turn})
        for name in ("math.cumsum", "math.cumprod")
        for turn in (True, False)
    ),
    ("math.pow", ["p", "y"], {}),
    ("math.floordiv", ["n"], {"y": 3}),
    ("math.floormod", ["n"], {"y": -3}),
    ("truncatediv", ["n"], {"y": -3}),
    ("bitwise.bitwise_and", ["n"], {"y": 3}),
    ("math.count_nonzero", ["n"], {"axis": 1}),
    ("math.top_k", ["x"], {"k": 2}),
    ("argsort", ["x"], {"axis": 1, "direction": "DESCENDING"}),
    ("clip_by_norm", ["x"], {"clip_norm": 1.0}),
    ("math.logical_xor", ["b", "b"], {}),
    ("cast", ["x"], {"dtype": "int32"}),
    ("saturate_cast", ["x"], {"dtype": "uint8"}),
    ("expand_dims", ["x"], {"axis": 1}),
    ("tile", ["x"], {"multiples": [1, 2, 1]}),
    ("repeat", ["x"], {"repeats": 2, "axis": 1}),
    ("repeat", ["x"], {"repeats": [1, 0, 2], "axis": 1}),
    ("pad", ["x"], {"paddings": [[0, 0], [1, 1], [2, 0]], "mode": "REFLECT"}),
    ("pad", ["x"], {"paddings": [[0, 0], [1, 1], [2, 0]], "mode": "SYMMETRIC"}),
    ("pad", ["x"], {"paddings": [[0, 0], [1, 1], [2, 0]], "constant_values": 3.0}),
    ("reverse", ["x"], {"axis": [1]}),
    ("roll", ["x"], {"shift": [1, -1], "axis": [1, 2]}),
    ("slice", ["x"], {"begin": [0, 1, 0], "size": [-1, 2, 3]}),
    ("strided_slice", ["x"], {"begin": [0, 1, 0], "end": [2, 3, 4], "strides": [1, 1, 2]}),
    (
        "strided_slice",
        ["x"],
        {"begin": [0, 1, 0], "end": [0, 3, 0], "begin_mask": 5, "end_mask": 5},
    ),
    ("gather", ["x"], {"indices": [0, 2], "axis": 1}),
    ("gather", ["x", "k"], {"batch_dims": 1}),
    ("gather", ["x", "k"], {"axis": 2, "batch_dims": 1}),
    ("gather_nd", ["x"], {"indices": [[0, 1], [1, 2]]}),
    ("one_hot", ["n"], {"depth": 5}),
    ("sequence_mask", ["k"], {"maxlen": 4}),
    ("math.bincount", ["n"], {"minlength": 7, "maxlength": 7, "axis": -1}),
    ("signal.frame", ["x"], {"frame_length": 3, "frame_step": 2}),
    ("linalg.matmul", ["m", "m"], {"adjoint_b": True}),
    ("math.cumulative_logsumexp", ["x"], {"axis": 1}),
    ("math.cumulative_logsumexp", ["x"], {"axis": 2, "reverse": True}),
    ("image.rgb_to_hsv", ["image"], {}),
    ("image.hsv_to_rgb", ["image"], {}),
    ("linalg.inv", ["square"], {"adjoint": False}),
    ("linalg.inv", ["square"], {"adjoint": True}),
    ("keras.backend.batch_flatten", ["x"], {}),
    ("keras.backend.cast_to_floatx", ["n"], {}),
    ("keras.backend.binary_crossentropy", ["part", "other"], {}),
    ("keras.backend.binary_crossentropy", ["part", "y"], {"from_logits": True}),
    ("keras.backend.categorical_crossentropy", ["part", "other"], {}),
    ("keras.backend.categorical_crossentropy", ["part", "y"], {"from_logits": True, "axis": 1}),
    ("linalg.trace", ["m"], {}),
    ("linalg.diag_part", ["m"], {}),
    ("linalg.diag", ["x"], {}),
    ("linalg.det", ["m"], {}),
    ("linalg.band_part", ["m"], {"num_lower": 1, "num_upper": 0}),
    ("norm", ["x"], {"ord": 1, "axis": -1}),
    ("norm", ["x"], {"axis": [1, 2]}),
    ("math.l2_normalize", ["x"], {"axis": -1}),
    ("linalg.normalize", ["x"], {"axis": -1}),
    ("nn.moments", ["x"], {"axes": [1], "keepdims": True}),
    *(
        (f"nn.{name}", ["image"], {"ksize": 2, "strides": step, "padding": how})
        for name in ("max_pool2d", "avg_pool2d")
        for step, how in ((1, "SAME"), (2, "VALID"))
    ),
    ("nn.conv2d", ["image", "kernel"], {"strides": 2, "padding": "SAME"}),
    ("nn.conv2d", ["image", "kernel"], {"strides": 1, "padding": [[0, 0], [1, 0], [0, 1], [0, 0]]}),
    ("nn.depthwise_conv2d", ["image", "kernel"], {"strides": [1, 1, 1, 1], "padding": "SAME"}),
    ("nn.depth_to_space", ["deep"], {"block_size": 2}),
    ("nn.space_to_depth", ["deep"], {"block_size": 2}),
    ("nn.local_response_normalization", ["image"], {"depth_radius": 1}),
    (
        "image.extract_patches",
        ["image"],
        {"sizes": [1, 2, 3, 1], "strides": [1, 2, 1, 1], "rates": [1, 1, 1, 1], "padding": "SAME"},
    ),
    *(
        ("image.resize", ["image"], {"size": size, "method": method, "antialias": smooth})
        for method in (
            "bilinear",
            "nearest",
            "bicubic",
            "area",
            "lanczos3",
            "lanczos5",
            "gaussian",
            "mitchellcubic",
        )
        for size, smooth in (([7, 3], False), ([2, 9], True))
    ),
    *(
        (f"compat.v1.image.resize_{method}", ["image"], {"size": [7, 3], "align_corners": corner})
        for method in ("bilinear", "nearest_neighbor", "bicubic")
        for corner in (True, False)
    ),
    *(
        (f"image.{name}", ["image"], {})
        for name in [
            "flip_left_right",
            "flip_up_down",
            "rot90",
            "transpose",
            "rgb_to_grayscale",
            "per_image_standardization",
            "rgb_to_yuv",
            "total_variation",
        ]
    ),
    ("image.central_crop", ["image"], {"central_fraction": 0.5}),
    ("image.resize_with_crop_or_pad", ["image"], {"target_height": 7, "target_width": 2}),
    ("image.adjust_contrast", ["image"], {"contrast_factor": 2.0}),
]


def result(symbol, names, kwargs):
    function = tf
    for part in symbol.split("."):
        function = getattr(function, part)
    found = function(*(tf.constant(INPUTS[name]) for name in names), **kwargs)
    parts = found if isinstance(found, (list, tuple)) else [found]
    return [
        {"shape": one.shape.as_list(), "dtype": one.dtype.name, "values": plain(one)}
        for one in parts
    ]


def plain(tensor):
    values = tensor.numpy().ravel()
    return [float(f"{one:.7g}") for one in values] if values.dtype.kind == "f" else values.tolist()


inputs = {
    name: {"shape": list(one.shape), "dtype": one.dtype.name, "values": one.ravel().tolist()}
    for name, one in INPUTS.items()
}
calls = [
    {
        "function": symbol,
        "inputs": names,
        "kwargs": kwargs,
        "results": result(symbol, names, kwargs),
    }
    for symbol, names, kwargs in CALLS
]
head = {"tensorflow": tf.__version__, "inputs": inputs}
lines = ",\n".join(json.dumps(call, separators=(",", ":")) for call in calls)
print(json.dumps(head)[:-1] + ', "calls": [\n' + lines + "\n]}")
