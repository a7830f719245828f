"""The folders that tests/golden/scripts/make_orbax.py made, and that script as a module."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "golden"


@pytest.fixture(scope="session")
def golden():
    return ROOT / "orbax"


@pytest.fixture(scope="session")
def made():
    """What defines the models; importing it registers their layers."""
    place = ROOT / "scripts" / "make_orbax.py"
    spec = importlib.util.spec_from_file_location("make_orbax", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
