"""Optimizers of Keras 1 and 2 that compute otherwise than those of the same name in Keras 3."""

__all__ = ["register"]


def register() -> None:
    """Register them with Keras as ``kport>...``; the one function here that imports Keras."""
    from kport_compat.optimizers import (
        _legacy,  # noqa: F401  # importing registers
        _schedules,  # noqa: F401  # importing registers
    )
