"""What Keras 2 had and Keras 3 has not, as components for every backend."""

__all__ = ["register"]


def register() -> None:
    """Register them with Keras as ``kport>...``; the one function here that imports Keras."""
    from kport_compat import lambdas
    from kport_compat.layers import (  # noqa: F401  # importing registers
        _activations,
        _dense,
        _images,
        _linear,
        _local,
        _masks,
        _recurrent,
        _same,
    )

    lambdas.register()
