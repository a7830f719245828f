"""Python functions as files carry them, read as text: nothing of them is ever run.

Keras writes the function of a Lambda layer as the marshalled code object of the Python that saved
it (``keras/src/utils/python_utils.py`` of Keras 3.15, `func_dump`). This room reads that form for
Python 2.7 to 3.12, shows it to a person, and gives its expression to rules that know a counterpart.
"""

from kport.bytecode._expression import expression
from kport.bytecode._layers import carries_code, lambdas_in, shown
from kport.bytecode._listing import listing
from kport.bytecode._marshal import Code, read_code
from kport.bytecode._nodes import (
    Binary,
    Call,
    Input,
    Item,
    Items,
    Name,
    Node,
    Part,
    Unary,
    Value,
)
from kport.bytecode._text import text_of

__all__ = [
    "Binary",
    "Call",
    "Code",
    "Input",
    "Item",
    "Items",
    "Name",
    "Node",
    "Part",
    "Unary",
    "Value",
    "carries_code",
    "expression",
    "lambdas_in",
    "listing",
    "read_code",
    "shown",
    "text_of",
]
