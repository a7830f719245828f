"""Saves that go on while the program does: one at a time, none forgotten.

A save waits for the one in the background before it, so that an older model never takes the place
of a newer one and no more than one snapshot is in memory. The interpreter waits for it, too. An
error is raised by `PendingSave.wait`, or else by the next save, or else shown at the exit.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future

from kport.errors import SaveError, mapped

__all__ = ["PendingSave", "settle", "start"]


class PendingSave:
    """A save that goes on in the background, as `kport.save(..., block=False)` gives it back.

    Example:
        >>> pending = kport.save(model, "bundle/", block=False)
        >>> history = model.fit(x, y)
        >>> pending.wait()
    """

    def __init__(self, path: object, write: Callable[[], object]) -> None:
        self.path = path
        self._write: Callable[[], object] | None = write
        self._result: Future[None] = Future()
        self._seen = False
        # Not a daemon: the interpreter must not end in the middle of it.
        self._thread = threading.Thread(target=self._run, name="kport-save", daemon=False)

    def done(self) -> bool:
        """Say whether it has ended, well or not."""
        return self._result.done()

    def wait(self, timeout: float | None = None) -> None:
        """Return once the model is safely at its path.

        Raises:
            SaveError: It could not be written; what was there is as it was.
            TimeoutError: It goes on after so many seconds.
        """
        error = self._result.exception(timeout)
        if error is not None:
            self._seen = True
            raise error

    @property
    def error(self) -> BaseException | None:
        """What went wrong; None while it goes on, and when all went well."""
        error = self._result.exception() if self.done() else None
        self._seen = self._seen or error is not None
        return error

    def __repr__(self) -> str:
        return f"<PendingSave {str(self.path)!r}, {'done' if self.done() else 'going on'}>"

    def _run(self) -> None:
        try:
            with mapped(SaveError, "cannot be written", path=self.path):
                if self._write is not None:
                    self._write()
        except BaseException as error:  # noqa: BLE001  # kept for whoever waits
            self._result.set_exception(error)
        else:
            self._result.set_result(None)
        self._write = None  # it holds the copy of the model

    def _forgotten(self) -> BaseException | None:
        """Wait, and return an error that nobody has seen, once."""
        return None if self._seen else (self._result.exception() and self.error)


_LOCK = threading.Lock()
_LAST: list[PendingSave] = []


def start(path: object, write: Callable[[], object]) -> PendingSave:
    """Begin to write in the background, after the write before it.

    Raises:
        SaveError: See `settle`.
    """
    with _LOCK:
        _settle()
        one = PendingSave(path, write)
        _LAST[:] = [one]
        one._thread.start()
    return one


def settle() -> None:
    """Wait for the save in the background, if there is one.

    Raises:
        SaveError: It failed, and nobody has asked what came of it.
    """
    with _LOCK:
        _settle()


def _settle() -> None:
    while _LAST:
        error = _LAST.pop()._forgotten()
        if error is not None:
            raise SaveError(
                f"this save was not begun, as the one before it failed in the background: {error}",
                remedy="wait() on what kport.save(..., block=False) returns shows it sooner.",
            ) from error


def _finish() -> None:
    for one in _LAST:
        error = one._forgotten()
        if error is not None:
            sys.stderr.write(f"kport: a save in the background failed: {error}\n")


# Of the standard library's own thread pools, on which every write relies: they take no work any
# more when the functions of `atexit` are called, and these are called before that.
threading._register_atexit(_finish)  # type: ignore[attr-defined]  # since Python 3.9
