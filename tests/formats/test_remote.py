"""Models at URLs, on the file systems that fsspec has in itself."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import numpy as np
import pytest

import kport
from kport import formats
from kport.errors import (
    PathNotFoundError,
    SaveError,
    UnknownFormatError,
    UnreadableError,
    UsageError,
)

MEMORY = fsspec.filesystem("memory")


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch):
    """Begin and end with nothing in memory, and with no picture left on the disk."""
    MEMORY.store.clear()
    (tmp_path / "pictures").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "pictures"))
    yield
    MEMORY.store.clear()
    gc.collect()
    assert os.listdir(tmp_path / "pictures") == []


@pytest.fixture(params=["memory://models/bundle", "memory://models/model.keras"])
def url(request, full):
    formats.write(full, request.param)
    return request.param


def test_what_is_written_is_read(url, full):
    read = formats.read(url)
    for name, tensor in read.tensors.items():
        assert np.array_equal(tensor.read(), full.tensors[name].read())
    assert {name: one.read() for name, one in read.assets.items()} == {
        name: one.read() for name, one in full.assets.items()
    }
    assert read.spec == full.spec


def test_it_is_inspected_and_checked(url):
    assert kport.inspect(url).format == formats.detect(url).name
    assert kport.check(url).ok


def test_only_the_tensors_that_are_read_are_fetched(full, checkpoint, tensor, monkeypatch):
    big = [tensor(name, np.full(100_000, i, "f4")) for i, name in enumerate(("one", "two"))]
    formats.write(checkpoint(*big), "memory://big")
    fetched = []
    real = MEMORY.cat_file
    monkeypatch.setattr(
        type(MEMORY),
        "cat_file",
        lambda self, path, start=None, end=None, **more: (
            fetched.append(end - start) or real(path, start=start, end=end)
        ),
    )
    read = formats.read("memory://big")
    assert sum(fetched) < 2000
    fetched.clear()
    assert read.tensors["two"].read().sum() == 100_000
    assert read.tensors["two"].read().sum() == 100_000
    assert fetched == [400_000]


def test_a_damaged_byte_at_a_url_is_found(full):
    formats.write(full, "memory://bundle")
    place = next(one for one in MEMORY.find("/bundle") if one.endswith("model.safetensors"))
    data = MEMORY.cat_file(place)
    kernel = full.tensors["dense.kernel"].read().tobytes()
    MEMORY.pipe_file(place, data.replace(kernel, kernel[:-1] + b"\x01"))
    assert [one.place for one in kport.check("memory://bundle").problems] == [
        "tensors['dense.kernel']"
    ]
    with pytest.raises(kport.errors.CorruptFileError, match="BLAKE3"):
        formats.read("memory://bundle").tensors["dense.kernel"].read()


def test_a_smaller_model_leaves_nothing_of_the_larger_one(full, checkpoint, tensor):
    formats.write(full, "memory://bundle")
    formats.write(checkpoint(tensor("a", np.ones(2))), "memory://bundle")
    names = sorted(one.rpartition("/")[2] for one in MEMORY.find("/bundle"))
    assert names == ["README.md", "config.json", "kport.json", "model.safetensors"]


def test_something_else_at_the_target_is_kept(full):
    MEMORY.pipe_file("/notes/mine.txt", b"mine")
    with pytest.raises(SaveError, match="memory://notes: holds something else"):
        formats.write(full, "memory://notes")
    assert MEMORY.find("/notes") == ["/notes/mine.txt"]


def test_nothing_there():
    with pytest.raises(PathNotFoundError, match="memory://no/such: no such file or directory"):
        formats.read("memory://no/such")


def test_something_else_there():
    MEMORY.pipe_file("/x.keras", b"hello")
    with pytest.raises(
        UnknownFormatError, match=r"memory://x\.keras: .*a file that begins with b'hello'"
    ):
        formats.read("memory://x.keras")


def test_a_file_system_that_nobody_knows():
    with pytest.raises(UsageError, match="nope://x: is no URL that can be opened here"):
        formats.read("nope://x")


def test_without_fsspec(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(UsageError, match=r"pip install 'keras-kport\[remote\]'"):
        formats.read("memory://x")


def test_a_store_that_fails_is_an_error_of_ours(full, monkeypatch):
    formats.write(full, "memory://bundle")

    class Denied(Exception):
        """As the libraries of stores have them."""

    def fail(*arguments, **options):
        raise Denied("no credentials")

    monkeypatch.setattr(type(MEMORY), "cat_file", fail)
    with pytest.raises(UnreadableError, match="no credentials"):
        formats.read("memory://bundle")


def test_a_name_that_leads_out_is_refused(full, monkeypatch, tmp_path):
    formats.write(full, "memory://bundle")
    listing = {"/bundle/../../evil.txt": {"size": 1}}
    monkeypatch.setattr(type(MEMORY), "find", lambda *a, **k: listing)
    with pytest.raises(kport.errors.UnsafeFileError, match="leads out of it"):
        formats.read("memory://bundle")


def test_local_urls_and_odd_names(full, tmp_path):
    path: Path = tmp_path / "größe ~ #1 [x]"
    formats.write(full, f"file://{path}/net.keras")
    assert formats.read(path / "net.keras").tensors.keys() == full.tensors.keys()
    assert formats.read(f"file://{path}/net.keras").tensors.keys() == full.tensors.keys()


class Ranges(SimpleHTTPRequestHandler):
    """A web server that gives parts of files, which Python's own does not."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        wanted = self.headers.get("Range")
        path = Path(self.translate_path(self.path))
        if wanted is None or not path.is_file():
            super().do_GET()
            return
        first, last = (int(one) for one in wanted.removeprefix("bytes=").split("-"))
        part = path.read_bytes()[first : last + 1]
        self.server.parts.append(len(part))
        self.send_response(206)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)


class Plain(Ranges):
    """Python's own."""

    do_GET = SimpleHTTPRequestHandler.do_GET


@pytest.fixture
def served(tmp_path):
    """Return a way to serve a folder, which gives its URL and the sizes of the parts it gave."""
    servers = []

    def serve(handler):
        folder = tmp_path / "served"
        folder.mkdir(exist_ok=True)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
        server.parts = []
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return folder, f"http://127.0.0.1:{server.server_port}", server.parts

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("name", ["bundle", "model.keras"])
def test_over_http(served, full, name):
    folder, url, _ = served(Ranges)
    formats.write(full, folder / name)
    read = formats.read(f"{url}/{name}")
    for tensor, one in read.tensors.items():
        assert np.array_equal(one.read(), full.tensors[tensor].read())
    assert {name: one.read() for name, one in read.assets.items()} == {
        name: one.read() for name, one in full.assets.items()
    }
    assert kport.check(f"{url}/{name}").ok


def test_over_http_only_what_is_read_is_fetched(served, checkpoint, tensor):
    folder, url, parts = served(Ranges)
    big = [tensor(name, np.full(100_000, i, "f4")) for i, name in enumerate(("one", "two"))]
    formats.write(checkpoint(*big), folder / "big")
    read = formats.read(f"{url}/big")
    assert sum(parts) < 2000
    parts.clear()
    assert read.tensors["two"].read().sum() == 100_000
    assert parts == [400_000]


def test_a_server_that_gives_no_parts(served, full):
    folder, url, _ = served(Plain)
    formats.write(full, folder / "bundle")
    with pytest.raises(UnreadableError, match="is on a server that gives no parts of files"):
        formats.read(f"{url}/bundle")


def test_nothing_there_over_http(served):
    _, url, _ = served(Plain)
    with pytest.raises(PathNotFoundError, match="no such file or directory"):
        formats.read(f"{url}/no/such")
