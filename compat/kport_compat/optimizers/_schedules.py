"""Learning rates of Keras 2; importing this module imports Keras."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["DecayedSchedule"]


@keras.saving.register_keras_serializable("kport")
class DecayedSchedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # Keras has no types
    """Divide another schedule by ``1 + decay * step``.

    ``OptimizerV2`` took a schedule and ``decay`` together (`_decayed_lr` in
    ``keras/optimizers/legacy/optimizer_v2.py`` of Keras 2.12).
    """

    def __init__(self, schedule: Any, decay: float) -> None:
        super().__init__()
        self.schedule = schedule
        self.decay = decay

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step."""
        return self.schedule(step) / (1.0 + self.decay * ops.cast(step, keras.config.floatx()))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": schedule, "decay": self.decay}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DecayedSchedule:
        """Return the schedule of a config."""
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["decay"])
