"""The models that are saved and loaded: `sized` of so many bytes, `many` of so many variables."""

import keras

_KERNELS = 9  # of a 3 x 3 convolution
_MOST_CHANNELS = 512
_IN_A_LAYER = 100


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


@keras.saving.register_keras_serializable("speed")
class Many(keras.layers.Layer):
    """A layer of many small weights."""

    def build(self, shape):
        names = [f"weight_{number}" for number in range(_IN_A_LAYER)]
        self.weights_of_mine = [self.add_weight(shape=(8, 8), name=name) for name in names]

    def call(self, x):
        return x


def many(count):
    """So many variables of 256 bytes, a hundred a layer."""
    return keras.Sequential([keras.Input((8,)), *(Many() for _ in range(count // _IN_A_LAYER))])
