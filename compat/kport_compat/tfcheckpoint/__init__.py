"""TensorFlow checkpoints (``save_weights``, ``tf.train.Checkpoint``, ``tf.train.Saver``)."""

from kport_compat.tfcheckpoint._format import (
    TF_CHECKPOINT,
    TFCheckpointFormat,
    checkpoint_of,
    read_checkpoint,
)

__all__ = ["TF_CHECKPOINT", "TFCheckpointFormat", "checkpoint_of", "read_checkpoint"]
