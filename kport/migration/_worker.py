"""A process that converts one model after the other.

``python -m kport.migration._worker MODULE...`` imports the modules first, which have the
components of the user. Then each line of stdin is a conversion, and each line of stdout what came
of it; the first one says whether the modules could be imported.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import IO, Any

from kport._backends import choose_backend
from kport._imports import import_components
from kport.errors import KportError, LoadError, UsageError

__all__ = ["main"]


def main(modules: list[str]) -> None:
    """Serve until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    choose_backend()
    try:
        custom = import_components(modules)
    except UsageError as error:
        _say(answers, error=str(error))
        return
    _say(answers)
    for line in sys.stdin:
        _say(answers, **_convert(custom=custom, **json.loads(line)))


def _convert(source: str, target: str, custom: dict[str, Any]) -> dict[str, Any]:
    import keras

    import kport

    started = time.perf_counter()
    answer: dict[str, Any] = {"exit_code": 0}
    try:
        report = kport.convert(source, target, custom_objects=custom).report
        answer["detail"] = str(report)
        lines = (one for one in report.lines if one.outcome == "dropped")
        answer["dropped"] = [f"{one.name}: {one.detail}" for one in lines]
    except KportError as error:
        answer = {"detail": str(error), "exit_code": error.exit_code}
    except Exception as error:  # noqa: BLE001  # a model's own code can raise anything; it is told
        answer = {"detail": f"{type(error).__name__}: {error}", "exit_code": LoadError.exit_code}
    keras.utils.clear_session()  # names that one model was given are none of the next one's
    return {**answer, "seconds": time.perf_counter() - started}


def _say(answers: IO[str], **fields: Any) -> None:
    answers.write(json.dumps(fields) + "\n")
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
