"""What a caller passes, checked before anything is done with it."""

from __future__ import annotations

from collections.abc import Mapping

from kport.checkpoint import POLICIES, Sample
from kport.errors import UsageError

__all__ = ["expect_mapping", "expect_name", "expect_names", "expect_policy", "expect_sample"]


def expect_mapping(argument: str, value: object, words: str) -> None:
    """Expect a mapping with strings for keys, or None.

    Arguments:
        argument: Its name.
        value: What was passed.
        words: What it should be, for the error.

    Raises:
        UsageError: It is none.
    """
    if value is None:
        return
    if not isinstance(value, Mapping) or any(not isinstance(key, str) for key in value):
        raise UsageError(f"{argument}: expected {words}, got {_short(value)}")


def expect_name(argument: str, value: object) -> None:
    """Expect the attribute path of a part, or None.

    Raises:
        UsageError: It is none.
    """
    if value is not None and (not isinstance(value, str) or not value):
        raise UsageError(f"{argument}: expected the attribute path of a part, got {_short(value)}")


def expect_policy(value: object) -> None:
    """Expect a dtype that a whole model can have, or None.

    Raises:
        UsageError: It is none.
    """
    if value is not None and not (isinstance(value, str) and value in POLICIES):
        known = ", ".join(sorted(POLICIES))
        raise UsageError(f"dtype: a model can be of {known}; got {_short(value)}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"a {type(value).__name__}"


def expect_names(argument: str, value: object) -> None:
    """Expect a list or tuple of strings, or None; a string alone would be one of letters.

    Raises:
        UsageError: It is none.
    """
    several = isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value)
    if value is not None and not several:
        raise UsageError(f"{argument}: expected a list of names, got {_short(value)}")


def expect_sample(value: object) -> None:
    """Expect a `Sample`, or None.

    Raises:
        UsageError: It is none.
    """
    if value is not None and not isinstance(value, Sample):
        raise UsageError(f"sample: expected a kport.Sample, got {_short(value)}")
