"""Write the SavedModel that `savedmodel_load.py` measures: ResNet50 of Keras 2, 100 MB.

python benchmarks/make_resnet50.py FOLDER, with tensorflow-cpu 2.15.1 (Python 3.11 or older), which
this project does not install: no current TensorFlow writes such files.
"""

import sys

import tensorflow as tf

tf.keras.utils.set_random_seed(1)
model = tf.keras.applications.ResNet50(weights=None)
model.save(sys.argv[1], save_format="tf", include_optimizer=False)
