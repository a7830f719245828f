"""The machine in general terms: what a reader needs to judge the figures, and no name of it."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("keras", "torch", "jax", "tensorflow", "tensorflow_cpu", "numpy", "safetensors")


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


def installed(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
