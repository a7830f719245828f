"""Lambda layers whose function is an expression that kport knows every word of.

The bytecode is read as text and never run (`kport.bytecode`); what it says is computed by kport's
own code. Names are taken as everybody uses them: ``tf`` is TensorFlow, ``K`` is ``keras.backend``.
"""

from kport_compat.lambdas._terms import terms_of

__all__ = ["register", "terms_of"]


def register() -> None:
    """Register the layer with Keras; the one function here that imports Keras."""
    from kport_compat.lambdas import _layer  # noqa: F401  # importing registers
