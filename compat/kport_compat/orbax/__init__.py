"""Checkpoints that Keras's ``OrbaxCheckpoint`` callback writes, as a plug-in format of kport."""

from kport_compat.orbax._format import ORBAX, OrbaxFormat

__all__ = ["ORBAX", "OrbaxFormat"]
