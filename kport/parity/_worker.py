"""One process of a verification: load a file on one backend, run it, write its outputs.

``python -m kport.parity._worker JOB`` with ``KERAS_BACKEND`` set. JOB is a directory with
``job.json`` and ``inputs.safetensors``; the outputs and the result are written beside them. The
process has one backend, so a crash, a leak or a wrong global setting of one cannot touch another.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from kport._imports import import_components
from kport.errors import KportError

__all__ = ["main"]


def main(folder: Path) -> None:
    """Do the job in the folder; `result.json` says how it went."""
    job = json.loads((folder / "job.json").read_text())
    try:
        result = _run(folder, job)
    except KportError as error:
        result = {"error": str(error), "exit_code": error.exit_code}
    except Exception as error:  # noqa: BLE001  # a model's own code can raise anything; it is shown
        result = {"error": f"{type(error).__name__}: {error}", "exit_code": 3}
    (folder / "result.json").write_text(json.dumps(result))


def _run(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    import keras

    import kport
    from kport.checkpoint import Sample, unflatten
    from kport.model import compute_dtypes, run_sample
    from kport.parity._files import read_arrays, write_arrays

    custom = import_components(job["imports"])
    started = time.perf_counter()
    model = kport.load(job["path"], compile=False, custom_objects=custom)
    seconds = time.perf_counter() - started
    inputs = unflatten(read_arrays(folder / "inputs.safetensors"), "inputs")
    arrays = Sample(inputs, run_sample(model, inputs)).arrays()
    outputs = {name: one for name, one in arrays.items() if name.startswith("outputs")}
    write_arrays(folder / "outputs.safetensors", outputs)
    return {"seconds": seconds, "dtypes": sorted(compute_dtypes(model)), "keras": keras.version()}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
