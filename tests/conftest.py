"""One process, one backend: which tests run is decided by the mark and by KERAS_BACKEND.

``pytest -m "not backend"`` needs no backend; ``KERAS_BACKEND=jax pytest -m backend`` runs the rest
on one. Bare ``pytest`` without KERAS_BACKEND runs the former, and says what it left out.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

BACKENDS = ("tensorflow", "jax", "torch")
BACKEND = os.environ.get("KERAS_BACKEND", "")
ROOT = Path(__file__).resolve().parent.parent

# Before any backend is imported; setdefault, so that a run on a GPU can say otherwise.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# JAX compiles for most of its time here, and the same things again in each test and process.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".pytest_cache" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

if BACKEND == "torch" and find_spec("torch") is not None:
    # Keras imports TensorFlow beside it for strings; torch after TensorFlow crashes the process.
    import torch  # noqa: F401  # imported for the order alone

LEFT_OUT = pytest.StashKey[int]()

# The same examples in every run, so that a red run says something of the change it is for.
# HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("search", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_configure(config):
    if BACKEND and BACKEND not in BACKENDS:
        raise pytest.UsageError(f"KERAS_BACKEND={BACKEND!r}: expected one of {', '.join(BACKENDS)}")
    if BACKEND and find_spec(BACKEND) is None:
        raise pytest.UsageError(f"KERAS_BACKEND={BACKEND}: it is not installed; run: make setup")


@pytest.hookimpl(trylast=True)  # after -m and -k have taken theirs
def pytest_collection_modifyitems(config, items):
    marked = [item for item in items if item.get_closest_marker("backend")]
    config.stash[LEFT_OUT] = 0
    if BACKEND or not marked:
        return
    if "backend" in config.option.markexpr:
        raise pytest.UsageError(
            "these tests need a backend: KERAS_BACKEND=jax pytest -m backend "
            f"(or {BACKENDS[0]}, {BACKENDS[2]}); make test runs them on each"
        )
    config.stash[LEFT_OUT] = len(marked)
    config.hook.pytest_deselected(items=marked)
    items[:] = [item for item in items if item not in marked]


def pytest_terminal_summary(terminalreporter, config):
    count = config.stash.get(LEFT_OUT, 0)
    if count:
        terminalreporter.write_line(
            f"{count} tests need a backend and did not run: KERAS_BACKEND=jax pytest -m backend",
            yellow=True,
        )


@pytest.fixture(scope="session")
def run_python() -> Callable[..., str]:
    """Run code in a fresh process and return what it printed; the process must end with 0."""

    def run(code: str, *arguments: str, backend: str | None = None) -> str:
        env = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
        if backend is not None:
            env["KERAS_BACKEND"] = backend
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            capture_output=True,
            text=True,
            env=env,
            cwd=ROOT,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
