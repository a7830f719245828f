"""The machine in general terms: what a reader needs to judge the figures, and no name of it."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = (
    "keras",
    "torch",
    "jax",
    "tensorflow",
    "tensorflow_cpu",
    "numpy",
    "safetensors",
    "orbax_checkpoint",
)


def described():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "processor": f"{os.cpu_count()} cores, {platform.machine()}",
        "memory": f"{memory:.0f} GB",
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "load at the start": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        **{name: found for name in _PACKAGES if (found := installed(name))},
    }


def free_memory():
    """Return the bytes that programs can have without others being pushed out."""
    rows = Path("/proc/meminfo").read_text().splitlines()
    return next(1024 * int(row.split()[1]) for row in rows if row.startswith("MemAvailable"))


def installed(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
