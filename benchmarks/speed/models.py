"""The models that are saved and loaded: `sized` of so many bytes, `many` of so many variables."""

import keras

_KERNELS = 9  # of a 3 x 3 convolution
_MOST_CHANNELS = 512
_DEPTH = 50  # layers that follow each other in a branch


def sized(nbytes):
    """Half of it in four large kernels, half in small convolutions with normalization."""
    side = max(8, round((nbytes / 2 / 4 / 4) ** 0.5))
    dense = entry = keras.Input((side,))
    for _ in range(4):
        dense = keras.layers.Dense(side, activation="relu")(dense)
    channels = min(_MOST_CHANNELS, max(8, round((nbytes / 2 / 4 / _KERNELS / 50) ** 0.5)))
    image = picture = keras.Input((8, 8, channels))
    for _ in range(round(nbytes / 2 / (4 * _KERNELS * channels**2))):
        inner = keras.layers.Conv2D(channels, 3, padding="same")(image)
        inner = keras.layers.BatchNormalization()(inner)
        image = keras.layers.Add()([image, keras.layers.ReLU()(inner)])
    return keras.Model([entry, picture], [dense, image])


def many(count):
    """So many variables of some 256 bytes, two a layer, in branches as Keras allows no depth."""
    entry = keras.Input((8,))
    ends = []
    for _ in range(count // 2 // _DEPTH):
        branch = entry
        for _ in range(_DEPTH):
            branch = keras.layers.Dense(8)(branch)
        ends.append(branch)
    return keras.Model(entry, keras.layers.Add()(ends))
