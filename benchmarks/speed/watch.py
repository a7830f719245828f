"""Run a worker and note its anonymous memory while it works.

A thread of this process reads it from /proc some two hundred times a second, so that no lock of the
worker's Python can hide a peak. Anonymous memory is what the process holds itself; pages of a
mapped file belong to the page cache and are given back when others need them.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

_EVERY = 0.005
_QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "-1",
    "JAX_PLATFORMS": "cpu",
}


def run(backend, task, script="worker.py"):
    """Return what the worker said: one mapping with the model, then one for each act."""
    command = [sys.executable, str(Path(__file__).with_name(script)), json.dumps(task)]
    environment = {**os.environ, **_QUIET, "KERAS_BACKEND": backend}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        samples, ended = [], threading.Event()
        watcher = threading.Thread(target=watch, args=(process.pid, samples, ended))
        watcher.start()
        said = [json.loads(line[1:]) for line in process.stdout if line.startswith("@")]
        ended.set()
        watcher.join()
    if process.returncode:
        raise SystemExit(f"the worker for {backend} ended with {process.returncode}")
    model, *acts = said
    return {**model, "acts": [measured(one, samples) for one in acts]}


def watch(pid, samples, ended):
    while not ended.wait(_EVERY):
        memory = anonymous(pid)
        if memory is not None:
            samples.append((time.monotonic(), memory))


def anonymous(pid):
    """Return the bytes of anonymous memory of a process; None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    rows = [line.split() for line in text.splitlines() if line.startswith("RssAnon")]
    return 1024 * int(rows[0][1]) if rows else None


def measured(act, samples):
    """Return seconds and the peak of anonymous memory above what there was before."""
    before = [memory for when, memory in samples if when <= act["start"]]
    during = [memory for when, memory in samples if act["start"] < when <= act["stop"]]
    base = before[-1] if before else 0
    seconds = act["stop"] - act["start"]
    return {
        **{name: value for name, value in act.items() if name not in ("start", "stop")},
        "seconds": round(seconds, 5),
        "memory": max(during, default=base) - base,
    }
