"""Save bundles while a model is trained, beside the training, and go on from the latest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import keras

from kport._api import load
from kport._background import PendingSave
from kport._save import save
from kport.callbacks._folder import Folder, Stamp
from kport.errors import UsageError

__all__ = ["BundleCheckpoint"]

# What mode="auto" knows, by the last word of a name.
_DOWN = ("loss", "error")
_UP = ("acc", "accuracy", "auc", "iou", "precision", "recall", "score")


class BundleCheckpoint(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Keep the model, its optimizer and all state in a folder of bundles while it is trained.

    Each bundle is written in the background and appears whole, so that a run which is killed at any
    moment goes on from the latest one: bit for bit as if never stopped, if that was the end of an
    epoch. One in the middle of an epoch begins that epoch anew.

    Arguments:
        folder: Where the bundles lie: ``epoch-0003-step-000000120``.
        monitor: A name in the logs, such as ``val_loss``; its value becomes part of the names.
        mode: ``min`` or ``max``, what of it is better; ``auto`` knows losses, errors and the usual
            scores.
        save_best_only: Save only when the monitored value is better than ever in this folder.
        save_freq: ``epoch``, or a number of steps.
        keep: How many of the latest bundles to keep, beside the best one; None keeps all.
        background: Whether training goes on while a bundle is written, at the price of one copy
            of the values in memory.

    Raises:
        UsageError: An argument is wrong; or, in training, the logs have no such value.
        SaveError: A bundle could not be written; raised at the next save or the end of training.

    Example:
        >>> checkpoint = kport.callbacks.BundleCheckpoint("run/", monitor="val_loss", keep=3)
        >>> model = checkpoint.restore() or make_model()
        >>> history = model.fit(
        ...     x,
        ...     y,
        ...     validation_split=0.2,
        ...     epochs=10,
        ...     initial_epoch=checkpoint.epoch,
        ...     callbacks=[checkpoint],
        ... )
    """

    def __init__(
        self,
        folder: str | PathLike[str],
        *,
        monitor: str | None = None,
        mode: Literal["auto", "min", "max"] = "auto",
        save_best_only: bool = False,
        save_freq: Literal["epoch"] | int = "epoch",
        keep: int | None = None,
        background: bool = True,
    ) -> None:
        super().__init__()
        _check_arguments(monitor, save_best_only, save_freq, keep)
        self._folder = Folder(Path(folder), monitor or "")
        self._sign = _sign(monitor, mode)
        self._best_only, self._every, self._keep = save_best_only, save_freq, keep
        self._background = background
        self._pending: PendingSave | None = None
        self._step = self._saved_at = self._epoch_began_at = 0

    def latest(self) -> Path | None:
        """Return the path of the latest bundle; None where there is none."""
        found = self._folder.checkpoints()
        return found[-1][1] if found else None

    def best(self) -> Path | None:
        """Return the path of the bundle with the best monitored value; None where there is none."""
        return next((path for one, path in self._folder.checkpoints() if one == self._best()), None)

    @property
    def epoch(self) -> int:
        """How many whole epochs the latest bundle has behind it: the ``initial_epoch`` of `fit`."""
        found = self._folder.checkpoints()
        return found[-1][0].epoch if found else 0

    def restore(self, **options: Any) -> keras.Model | None:
        """Return the model of the latest bundle, ready to be trained on; None where there is none.

        Arguments:
            options: See `kport.load`.
        """
        path = self.latest()
        return None if path is None else load(path, **options)

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Count on from the latest bundle."""
        self._folder.tidy()
        found = self._folder.checkpoints()
        self._step = self._saved_at = found[-1][0].step if found else 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Note where the epoch begins."""
        self._epoch, self._epoch_began_at = epoch, self._step

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Save after so many steps."""
        self._step = self._epoch_began_at + batch + 1
        if self._every != "epoch" and self._step - self._saved_at >= self._every:
            self._save(self._epoch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Save after an epoch."""
        if self._every == "epoch":
            self._save(epoch + 1, logs or {})

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Wait for the last bundle."""
        self._settle()

    def _save(self, epoch: int, logs: Mapping[str, Any]) -> None:
        stamp = Stamp(epoch, self._step)
        if self._folder.monitor:
            stamp = Stamp(epoch, self._step, self._folder.monitor, self._value(logs))
        self._saved_at = self._step
        self._settle()
        if self._best_only and not self._is_better(stamp, self._best()):
            return
        path = self._folder.path / stamp.name
        self._pending = save(self.model, path, block=not self._background)
        if self._pending is None:
            self._prune()

    def _settle(self) -> None:
        """Wait for the bundle being written, and remove what it makes superfluous."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.wait()
            self._prune()

    def _prune(self) -> None:
        if self._keep is not None:
            self._folder.prune(self._keep, self._best())

    def _value(self, logs: Mapping[str, Any]) -> float:
        monitor = self._folder.monitor
        if monitor not in logs:
            raise UsageError(
                f"monitor: the logs have no {monitor!r}",
                remedy=f"There are: {', '.join(sorted(logs)) or 'none'}. Values of the validation "
                "are there at the end of an epoch only.",
            )
        return float(logs[monitor])

    def _best(self) -> Stamp | None:
        best = None
        for stamp, _ in self._folder.checkpoints():
            if stamp.monitor and self._is_better(stamp, best):
                best = stamp
        return best

    def _is_better(self, stamp: Stamp, best: Stamp | None) -> bool:
        if math.isnan(stamp.value):
            return False
        return best is None or self._sign * stamp.value > self._sign * best.value


def _sign(monitor: str | None, mode: str) -> int:
    if mode not in ("auto", "min", "max"):
        raise UsageError(f"mode: expected 'auto', 'min' or 'max', got {mode!r}")
    if mode != "auto" or monitor is None:
        return 1 if mode == "max" else -1
    word = monitor.rpartition("_")[2]
    if word not in (*_UP, *_DOWN):
        raise UsageError(f"mode: say 'min' or 'max', as {monitor!r} is no name that tells")
    return 1 if word in _UP else -1


def _check_arguments(monitor: object, best_only: object, every: object, keep: object) -> None:
    if monitor is not None and (not isinstance(monitor, str) or not monitor):
        raise UsageError(f"monitor: expected a name in the logs, got {monitor!r}")
    if best_only and monitor is None:
        raise UsageError("save_best_only: say by monitor= which value tells the best")
    if every != "epoch" and not _is_count(every):
        raise UsageError(f"save_freq: expected 'epoch' or a number of steps, got {every!r}")
    if keep is not None and not _is_count(keep):
        raise UsageError(f"keep: expected a number of bundles or None, got {keep!r}")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
