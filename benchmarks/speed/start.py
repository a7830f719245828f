"""How long `import kport` takes beyond NumPy, and what `kport inspect` of a large bundle takes."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

_ROUNDS = 7
_VALUES = 2_500_000_000  # of 4 bytes; the file is sparse and takes no room on the disk
_INSPECT = """
import resource, sys, kport.cli
try:
    kport.cli.main(["inspect", sys.argv[1]])
except SystemExit:
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def measured(folder):
    """Return the figures by name, in seconds and bytes."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        bundle = sparse_bundle(Path(place) / "bundle")
        inspect = [run(_INSPECT, str(bundle)) for _ in range(_ROUNDS)]
    codes = ("import numpy", "import numpy, kport")
    pairs = [[run(code)[0] for code in codes] for _ in range(_ROUNDS)]
    return {
        "import kport": statistics.median(ours - bare for bare, ours in pairs),
        "inspect": statistics.median(seconds for seconds, _ in inspect),
        "inspect memory": max(1024 * int(text.split()[-1]) for _, text in inspect),
    }


def run(code, *arguments):
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True
    )
    return time.perf_counter() - start, done.stdout


def sparse_bundle(path):
    """Write a bundle of one value, then say in header, manifest and size alike that it is 10 GB."""
    from kport import formats
    from kport.checkpoint import Checkpoint, Kind, LazyTensor, ModelSpec

    tensor = LazyTensor("kernel", (1,), "float32", Kind.PARAMETER, lambda: np.zeros(1, "f4"))
    config = {"class_name": "Sequential", "config": {"name": "large", "layers": []}}
    formats.write(Checkpoint(ModelSpec(config), {"kernel": tensor}), path)
    file, manifest = path / "model.safetensors", path / "kport.json"
    content = file.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["kernel"] |= {"shape": [_VALUES], "data_offsets": [0, 4 * _VALUES]}
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text)
    os.truncate(file, 8 + len(text) + 4 * _VALUES)
    claims = json.loads(manifest.read_text())
    claims["tensors"]["kernel"]["shape"] = [_VALUES]
    claims["files"]["model.safetensors"]["size"] = file.stat().st_size
    manifest.write_text(json.dumps(claims))
    return path
