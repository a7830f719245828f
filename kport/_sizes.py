"""Sizes as people write them."""

from __future__ import annotations

import re

from kport.errors import UsageError

__all__ = ["format_size", "parse_size"]

# Decimal, as the Hugging Face tools count: 5GB is 5,000,000,000 bytes.
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def parse_size(size: int | str) -> int:
    """Return a size in bytes.

    Arguments:
        size: A whole number of bytes, or a number with KB, MB, GB or TB (decimal).

    Raises:
        UsageError: It is neither, or not positive.

    Example:
        >>> parse_size("1.5MB")
        1500000
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?B)?", str(size).strip(), re.IGNORECASE)
    if match is None or isinstance(size, bool):
        raise UsageError(f"expected a size such as 5GB or 500MB, got {size!r}")
    total = int(float(match[1]) * _UNITS[(match[2] or "").upper()])
    if total < 1:
        raise UsageError(f"expected a size of at least one byte, got {size!r}")
    return total


def format_size(size: int) -> str:
    """Return a size in bytes the way people read it.

    Example:
        >>> format_size(1_536_000)
        '1.5 MB'
    """
    number = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
