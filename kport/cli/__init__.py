"""The command ``kport``: thin commands over the functions of the same names.

A command parses, calls one function of `kport` and hands the result to `Output`, the only place
that prints. Each command's module is imported when it runs, so ``kport inspect`` imports nothing
that ``kport convert`` needs.
"""

from kport.cli._group import Group, main
from kport.cli._output import Output

__all__ = ["Group", "Output", "main"]
