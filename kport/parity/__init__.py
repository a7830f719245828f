"""Prove that a file gives the same outputs on every backend."""

from kport.parity._report import ParityReport, Row
from kport.parity._verify import verify

__all__ = ["ParityReport", "Row", "verify"]
