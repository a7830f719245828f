"""Patterns over tensor and layer names: ``*`` is one segment, ``**`` any number of them."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache

from kport.errors import UsageError

__all__ = ["matches", "rename_all"]


@cache
def _compiled(pattern: str, between: str = ".") -> re.Pattern[str]:
    if not pattern or not isinstance(pattern, str):
        raise UsageError(f"expected a pattern of names such as 'encoder/**', got {pattern!r}")
    parts = pattern.replace("/", ".").split(".")
    text = ""
    for index, part in enumerate(parts):
        joint = re.escape(between) if index else ""
        if part == "**":
            # With its joint, since it may stand for nothing: encoder/** is encoder as well.
            text += rf"(?P<g{index}>(?:{joint}[^{between}]+)*)" if index else r"(?P<g0>.*)"
        else:
            text += joint + re.escape(part).replace(r"\*", rf"(?P<g{index}>[^{between}]*)", 1)
    return re.compile(text)


def matches(pattern: str, name: str) -> bool:
    """Say whether a name is one of those a pattern means; slashes count as dots.

    Example:
        >>> [matches("encoder/**", name) for name in ("encoder", "encoder.dense", "decoder")]
        [True, True, False]
        >>> matches("blocks/*/norm", "blocks.3.norm")
        True
    """
    return _compiled(pattern).fullmatch(name) is not None


def rename_all(
    names: Iterable[str], rename: Mapping[str, str], between: str = "."
) -> dict[str, str]:
    """Return name -> new name for all names; the first pattern that matches decides.

    What the wildcards of the old pattern stood for is put, in order, in the place of those of the
    new one.

    Arguments:
        names: The names in a file.
        rename: Patterns, of which dots and slashes are one, and the new names.
        between: What stands between the segments of the names: dots, or the slashes of Keras.

    Raises:
        UsageError: A pattern matches nothing, its new name has other wildcards, or two names
            would become one.

    Example:
        >>> rename_all(["old.a.kernel", "b"], {"old.**": "new.**"})
        {'old.a.kernel': 'new.a.kernel', 'b': 'b'}
    """
    renamed = {name: name for name in names}
    unused = dict.fromkeys(rename)
    for name in renamed:
        for old, new in rename.items():
            found = _compiled(old, between).fullmatch(name)
            if found is not None:
                groups = [one.replace(between, ".") for one in found.groups()]
                renamed[name] = _filled(old, new, groups).replace(".", between)
                unused.pop(old, None)
                break
    if unused:
        near = difflib.get_close_matches(next(iter(unused)), renamed, 3, 0.3) or list(renamed)[:3]
        raise UsageError(
            f"rename: {', '.join(map(repr, unused))} matches no name of the file",
            remedy=f"Names there: {', '.join(near)}." if near else "",
        )
    twice = [new for new, count in Counter(renamed.values()).items() if count > 1]
    if twice:
        raise UsageError(f"rename: two tensors would both be named {sorted(twice)[0]!r}")
    return renamed


def _filled(old: str, new: str, groups: list[str]) -> str:
    pieces = re.split(r"\*\*?", new.replace("/", "."))
    if len(pieces) != len(groups) + 1:
        raise UsageError(f"rename: {old!r} and {new!r} have different numbers of wildcards")
    text = pieces[0]
    for group, piece in zip(groups, pieces[1:], strict=True):
        # A group of ** carries its joint along, and so may the text around it.
        text = text.rstrip(".") + group if group.startswith(".") else text + group
        text += piece
    return text.strip(".")
