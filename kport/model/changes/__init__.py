"""What code did to a model since its classes made it, which no config tells.

A config ends at the classes of users. What their code makes inside, loading lets their code make
again; so a file tells only how the live model differs from that, or what to hold that against:

==========================  ===========================  =======================================
of each layer               held against                 what differs
==========================  ===========================  =======================================
plain values: `_values`     what its constructor and     is saved and put back: `_put`; large
                            `build` left, or a twin      ones in assets: `_large`
objects in the places of    the same                     an error at save: `_replaced`
values
other objects, told by      what the code makes here     an error where they say that they are
class and text                                           others, else a line of the report: `_lost`
functions that only code    the same                     an error: `_functions`
makes
configs of layers that      the same                     an error: `_configs`, `_against_code`
only code makes
arguments in a config       what is made of the config   an error at save: `_retold`
==========================  ===========================  =======================================
"""

from kport.model.changes._against_code import require_same_layers
from kport.model.changes._changes import changes_of
from kport.model.changes._configs import held_by_users, told_config
from kport.model.changes._functions import functions_of, other_functions
from kport.model.changes._large import put_together, set_apart
from kport.model.changes._old_configs import require_agreement
from kport.model.changes._put import put_values
from kport.model.changes._retold import made_of_made
from kport.model.changes._twins import Twins

__all__ = [
    "Twins",
    "changes_of",
    "functions_of",
    "held_by_users",
    "made_of_made",
    "other_functions",
    "put_together",
    "put_values",
    "require_agreement",
    "require_same_layers",
    "set_apart",
    "told_config",
]
