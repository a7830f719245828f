"""What code did to a model since its classes made it, which no config tells.

A config ends at the classes of users. What their code makes inside, loading lets their code make
again; so a file tells only how the live model differs from that, or what to hold that against:

======================  ==============================  ========================================
of each layer           held against                    at loading
======================  ==============================  ========================================
plain values            what its constructor and        those that differ are put back; each
                        `build` left, or else a twin    must have a place
functions nothing       those that the code makes here  another one is an error
names
configs of layers that  those of the layers that the    another one is an error
only code makes         code makes here
======================  ==============================  ========================================
"""

from kport.model.changes._against_code import require_same_layers
from kport.model.changes._changes import changes_of
from kport.model.changes._large import put_together, set_apart
from kport.model.changes._old_configs import require_agreement
from kport.model.changes._put import put_values

__all__ = [
    "changes_of",
    "put_together",
    "put_values",
    "require_agreement",
    "require_same_layers",
    "set_apart",
]
