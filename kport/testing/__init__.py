"""Checks for the tests of those who write layers and models of their own."""

from kport.testing._portable import assert_portable

__all__ = ["assert_portable"]
