"""What users build that Keras 3.15.1 loses, cross-loads or refuses; a name, a model, its call.

Each scenario makes a model and the arguments to call it with. None of the classes has a
`get_config`, a `build` or ``**kwargs`` unless that is its point.
"""

from scenarios import constructs, kinds, precision, structure, training
from scenarios._core import SCENARIOS, Call, called, fingerprint, values
from scenarios.refused import REFUSED
from scenarios.rows import ELSEWHERE, NOT_BY_KERAS, ROWS

__all__ = [
    "ELSEWHERE",
    "NOT_BY_KERAS",
    "REFUSED",
    "ROWS",
    "SCENARIOS",
    "Call",
    "called",
    "constructs",
    "fingerprint",
    "kinds",
    "precision",
    "structure",
    "training",
    "values",
]
