"""What imports Keras at its top is not even read without a backend."""

import os

collect_ignore_glob = [] if os.environ.get("KERAS_BACKEND") else ["test_bundle*.py"]
