"""What Keras 1 wrote, said as Keras 2 would have: configs and the order inside of weights.

Keras 2 keeps the same knowledge in ``keras/legacy/interfaces.py`` and in
``preprocess_weights_for_loading`` (``keras/engine/saving.py`` of 2.2); this is a writing of our
own. Delete the room and files of Keras 2 load as before.
"""

from kport_compat.keras1._config import Spoken, modern, speaks_keras_1
from kport_compat.keras1._weights import arranged, named_by_keras_1

__all__ = ["Spoken", "arranged", "modern", "named_by_keras_1", "speaks_keras_1"]
