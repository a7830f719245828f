"""The golden models in the words of Keras 1, for TensorFlow's and Theano's backend."""

import numpy as np

K = None  # keras.backend; make.py sets it


def convolution(k, last=True):
    """Convolutions of images, channels last; pooling and BatchNormalization, one layer frozen."""
    L, order = k.layers, {"dim_ordering": "tf" if last else "th"}
    x = inputs = k.Input((8, 9, 3) if last else (3, 8, 9))
    x = L.Convolution2D(
        4,
        3,
        3,
        border_mode="same",
        init="he_normal",
        W_regularizer=k.l2(0.01),
        name="first",
        **order,
    )(x)
    x = L.BatchNormalization(mode=0, axis=-1 if last else 1, name="norm")(x)
    x = L.Activation("relu")(x)
    x = L.Convolution2D(
        5, 2, 3, subsample=(2, 1), bias=False, activation="tanh", name="next", **order
    )(x)
    x = L.MaxPooling2D(pool_size=(2, 2), strides=(1, 1), **order)(
        L.ZeroPadding2D((1, 1), **order)(x)
    )
    x = L.UpSampling2D((2, 1), **order)(x)
    x = L.AveragePooling2D(pool_size=(2, 2), border_mode="valid", **order)(x)
    model = k.Model(input=inputs, output=L.Dense(2)(L.Flatten()(x)))
    model.get_layer("first").trainable = False
    return model


def convolution_first(k):
    """The same, channels first."""
    return convolution(k, last=False)


def convolution_1d(k):
    """Convolution over steps."""
    L = k.layers
    first = L.Convolution1D(
        4, 3, border_mode="valid", subsample_length=2, activation="relu", input_shape=(9, 3)
    )
    return k.Sequential([first, L.MaxPooling1D(2), L.Dropout(0.3), L.GlobalAveragePooling1D()])


def recurrent(k):
    """LSTM, GRU, SimpleRNN, TimeDistributed and Bidirectional."""
    L = k.layers
    x = inputs = k.Input((5, 3))
    x = L.LSTM(4, return_sequences=True, inner_init="glorot_uniform", dropout_W=0.1)(x)
    x = L.Bidirectional(L.LSTM(3, return_sequences=True), merge_mode="concat")(x)
    x = L.TimeDistributed(L.Dense(4, activation="tanh"))(x)
    x = L.GRU(3, return_sequences=True, inner_activation="sigmoid", consume_less="gpu")(x)
    x = L.SimpleRNN(5, return_sequences=True, go_backwards=True)(x)
    return k.Model(input=inputs, output=L.GRU(4)(x))


def masked(k):
    """A mask of an Embedding reaches the layers behind it."""
    L = k.layers
    return k.Sequential(
        [
            L.Embedding(9, 3, mask_zero=True, input_length=6, init="uniform"),
            L.LSTM(4, return_sequences=True),
            L.LSTM(3),
            L.Dense(2, activation="softmax", W_constraint=k.maxnorm(2)),
        ]
    )


def merged(k):
    """The modes of merge, and a layer used twice."""
    one, two = k.Input((4,)), k.Input((4,))
    L = k.layers
    shared = L.Dense(3, activation="tanh")
    a, b = shared(one), shared(two)
    joined = [k.merge([a, b], mode=mode) for mode in ("sum", "mul", "ave", "max", "concat", "dot")]
    return k.Model(input=[one, two], output=L.Dense(2)(k.merge(joined, mode="concat")))


def merged_cos(k):
    """The one mode of merge that is no layer of Keras 2."""
    one, two = k.Input((4,)), k.Input((4,))
    return k.Model(input=[one, two], output=k.merge([one, two], mode="cos"))


def branches(k):
    """A Sequential that begins with a Merge of two."""
    L = k.layers
    left = k.Sequential([L.Dense(3, input_dim=4)])
    right = k.Sequential([L.Dense(3, input_dim=4, activation="relu")])
    return k.Sequential([L.Merge([left, right], mode="concat", concat_axis=-1), L.Dense(2)])


def activated(k):
    """Activations with weights, Highway and MaxoutDense, which Keras 2 has not."""
    L = k.layers
    x = inputs = k.Input((4, 3))
    x = L.PReLU(shared_axes=[1])(L.LeakyReLU(alpha=0.2)(L.GaussianNoise(0.1)(x)))
    x = L.ELU(0.7)(L.ThresholdedReLU(0.1)(L.TimeDistributed(L.Dense(3))(x)))
    x = L.Dense(4, activation="hard_sigmoid")(L.Flatten()(L.Permute((2, 1))(x)))
    return k.Model(input=inputs, output=L.Dense(2, bias=False)(L.RepeatVector(2)(x)))


def gone(k):
    """Layers that no later Keras has."""
    L = k.layers
    return k.Sequential([L.Highway(input_dim=4), L.MaxoutDense(3, nb_feature=2)])


def lambdas(k):
    """Functions without a name."""
    L = k.layers
    x = inputs = k.Input((4, 3))
    x = L.Lambda(lambda x: x / 127.5 - 1.0, name="pixels")(x)
    x = L.Lambda(lambda t: K.mean(t, axis=1), output_shape=(3,), name="mean")(x)
    return k.Model(input=inputs, output=L.Dense(2)(x))


def trained(k):
    """Trained with Adam."""
    L = k.layers
    layers = [L.Dense(6, activation="relu", input_dim=5), L.BatchNormalization(), L.Dense(2)]
    return k.Sequential(layers)


def trained_sgd(k):
    """Trained with SGD and momentum."""
    L = k.layers
    return k.Sequential([L.Embedding(7, 3, input_length=4), L.GRU(3), L.Dense(2)])


CASES = [
    convolution,
    convolution_first,
    convolution_1d,
    recurrent,
    masked,
    merged,
    merged_cos,
    branches,
    activated,
    gone,
    lambdas,
    trained,
    trained_sgd,
]

TRAINED = {"trained": "adam", "trained_sgd": "sgd"}
SAVED_MODELS = set()


def arrays(name, random):
    """Return the inputs of a case."""
    shapes = {
        "convolution": [(2, 8, 9, 3)],
        "convolution_first": [(2, 3, 8, 9)],
        "convolution_1d": [(3, 9, 3)],
        "recurrent": [(3, 5, 3)],
        "masked": [(3, 6)],
        "merged": [(3, 4), (3, 4)],
        "merged_cos": [(3, 4), (3, 4)],
        "branches": [(3, 4), (3, 4)],
        "activated": [(3, 4, 3)],
        "gone": [(3, 4)],
        "lambdas": [(3, 4, 3)],
        "trained": [(8, 5)],
        "trained_sgd": [(8, 4)],
    }[name]
    found = [random.uniform(-1, 1, size=shape).astype("float32") for shape in shapes]
    if name == "masked":
        found[0] = np.array([[1, 2, 3, 0, 0, 0], [4, 5, 6, 7, 8, 0], [8, 1, 2, 3, 4, 5]], "int32")
    if name == "trained_sgd":
        found[0] = random.randint(0, 7, size=shapes[0]).astype("int32")
    return found


def targets(name, random):
    """Return the targets of a trained case."""
    return random.uniform(0, 1, size=(8, 2)).astype("float32")
