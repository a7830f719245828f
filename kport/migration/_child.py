"""The parent's side of a process that converts models.

A process of its own takes a crash, memory that was lost, or a global setting of one model away from
the others; and it is kept, as Keras and a backend take seconds to start.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kport._backends import child_environment
from kport.errors import UsageError

__all__ = ["Child"]


class Child:
    """A process that converts models, begun anew where it ended.

    Arguments:
        imports: Modules that it imports first.
    """

    def __init__(self, imports: Sequence[str]) -> None:
        self._imports = list(imports)
        self._process: subprocess.Popen[str] | None = None
        self._words = tempfile.TemporaryFile("w+")  # noqa: SIM115  # it is closed by `close`

    def convert(self, source: Path, target: Path) -> dict[str, Any]:
        """Return ``detail``, ``exit_code`` and ``seconds`` of a conversion.

        Raises:
            UsageError: A module cannot be imported.
        """
        process = self._process or self._start()
        job = {"source": str(source), "target": str(target)}
        answer = self._ask(process, json.dumps(job) + "\n")
        if answer is not None:
            return answer
        self._process = None
        return {"detail": self._last_words(process), "exit_code": 3, "seconds": 0.0}

    def close(self) -> None:
        """End the process, after what it is doing."""
        if self._process is not None:
            with self._process:  # closes its stdin, at whose end it ends
                pass
        self._words.close()

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603  # our own module, no shell
            [sys.executable, "-m", "kport.migration._worker", *self._imports],
            env=child_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            text=True,
        )
        ready = self._ask(process, "")
        if ready is None or "error" in ready:
            words = self._last_words(process)
            raise UsageError(words if ready is None else ready["error"])
        self._process = process
        return process

    def _ask(self, process: subprocess.Popen[str], line: str) -> dict[str, Any] | None:
        """Return the next answer, None where the process ended."""
        if process.stdin is None or process.stdout is None:  # never: both are pipes
            return None
        try:
            process.stdin.write(line)
            process.stdin.flush()
        except BrokenPipeError:
            return None
        answer: dict[str, Any] | None = json.loads(process.stdout.readline() or "null")
        return answer

    def _last_words(self, process: subprocess.Popen[str]) -> str:
        with process:
            code = process.wait()
        self._words.seek(0)
        words = self._words.read().strip().splitlines()
        return f"the process ended with {code}: {words[-1] if words else 'no message'}"
