"""Attacks by the zip container of ``.keras`` archives."""

from __future__ import annotations

import struct
import warnings
import zipfile
from pathlib import Path

from .table import attack, make_archive, make_weights

HELD = 1_234_567
BOMB = 200_000_000  # inflated, of some hundred kilobytes


def named(name: str, mode: int = 0o100644) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = mode << 16
    return member


@attack("../../evil.txt: leads out of the archive")
def zip_slip_by_dots(folder: Path, secret: Path) -> Path:
    return make_archive(folder, more=lambda one: one.writestr("../../evil.txt", "x"))


@attack("assets/../../evil.txt: leads out of the archive")
def zip_slip_below_assets(folder: Path, secret: Path) -> Path:
    return make_archive(folder, more=lambda one: one.writestr("assets/../../evil.txt", "x"))


@attack("/var/evil.txt: leads out of the archive")
def zip_slip_by_an_absolute_name(folder: Path, secret: Path) -> Path:
    return make_archive(folder, more=lambda one: one.writestr("/var/evil.txt", "x"))


@attack("C:/evil.txt: leads out of the archive")
def zip_slip_by_a_drive(folder: Path, secret: Path) -> Path:
    return make_archive(folder, more=lambda one: one.writestr("C:/evil.txt", "x"))


@attack(r"..\evil.txt: leads out of the archive")
def zip_slip_by_backslashes(folder: Path, secret: Path) -> Path:
    return make_archive(folder, more=lambda one: one.writestr(r"..\evil.txt", "x"))


@attack("assets/words.txt: is a symbolic link")
def a_symbolic_link_in_the_zip(folder: Path, secret: Path) -> Path:
    link = named("assets/words.txt", 0o120777)
    return make_archive(folder, more=lambda one: one.writestr(link, str(secret)))


@attack("config.json: stands twice in the archive")
def two_members_of_one_name(folder: Path, secret: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_archive(folder, more=lambda one: one.writestr("config.json", "{}"))


@attack("assets/words.txt: is encrypted")
def an_encrypted_member(folder: Path, secret: Path) -> Path:
    path = make_archive(folder, more=lambda one: one.writestr("assets/words.txt", "x"))
    data = bytearray(path.read_bytes())
    place = data.rindex(b"PK\x01\x02")
    data[place + 8] |= 1
    path.write_bytes(data)
    return path


@attack("", at="never")
def names_that_differ_in_case_only(folder: Path, secret: Path) -> Path:
    """Nothing is extracted, so no member can take another one's place."""
    return make_archive(folder, more=lambda one: one.writestr("Config.json", "{}"))


def deflated(folder: Path, name: str, size: int) -> Path:
    """Write an archive with one member of zeros, compressed to a thousandth."""

    def add(archive: zipfile.ZipFile) -> None:
        member = zipfile.ZipInfo(name)
        member.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(member, "w", force_zip64=True) as file:
            for _ in range(size // (1 << 22) + 1):
                file.write(bytes(1 << 22))

    return make_archive(folder, more=add, without=(name,))


@attack("its member config.json is 201326592 bytes; at most 100000000 are read")
def a_zip_bomb_in_the_config(folder: Path, secret: Path) -> Path:
    return deflated(folder, "config.json", BOMB)


def claiming(folder: Path, name: str, size: int) -> Path:
    """Write an archive whose deflated member declares another size than it has."""

    def add(archive: zipfile.ZipFile) -> None:
        archive.writestr(name, bytes(HELD), zipfile.ZIP_DEFLATED)

    path = make_archive(folder, more=add, without=(name,))
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", HELD), struct.pack("<L", size)))
    return path


@attack("its member model.weights.h5 is 4000000000 bytes; at most 1073741824 are read")
def weights_that_inflate_beyond_reason(folder: Path, secret: Path) -> Path:
    return claiming(folder, "model.weights.h5", 4_000_000_000)


@attack("its member model.weights.h5 is damaged", "CorruptFileError")
def weights_that_declare_more_than_they_hold(folder: Path, secret: Path) -> Path:
    return claiming(folder, "model.weights.h5", 1_000_000_000)


@attack("its member config.json is damaged", "CorruptFileError")
def a_member_longer_than_it_declares(folder: Path, secret: Path) -> Path:
    """Damage, not danger: zip's own CRC finds it after the declared bytes."""
    return claiming(folder, "config.json", 100)


@attack("are 100001, more than 100000")
def a_directory_of_too_many_members(folder: Path, secret: Path) -> Path:
    path = make_archive(folder)
    data = path.read_bytes()
    start = data.index(b"PK\x01\x02")
    rows = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0)
        + b"%06d" % number
        for number in range(100_001)
    )
    size, end = len(rows), start + len(rows)
    zip64 = struct.pack(
        "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 100_001, 100_001, size, start
    ) + struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, size, start, 0)
    path.write_bytes(data[:start] + rows + zip64 + tail)
    return path


@attack("keeps its weights in model.weights.npz, which kport does not read", "UnreadableError")
def pickled_weights_in_npz(folder: Path, secret: Path) -> Path:
    """No danger: NumPy's container, the only one with pickles, is never opened."""
    pickle = b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"

    def add(archive: zipfile.ZipFile) -> None:
        archive.writestr("model.weights.npz", pickle + b"cos\nsystem\n(S'true'\ntR.")

    return make_archive(folder, more=add, without=("model.weights.h5",))


@attack("its member model.weights.h5 has another name in its local header", "CorruptFileError")
def members_that_share_their_bytes(folder: Path, secret: Path) -> Path:
    """The better zip bomb (Fifield 2019): many members, one body."""
    path = make_archive(folder)
    data = path.read_bytes()
    rows = [at for at in range(len(data)) if data.startswith(b"PK\x01\x02", at)]
    offset = data[rows[1] + 42 : rows[1] + 46]
    path.write_bytes(data[: rows[2] + 42] + offset + data[rows[2] + 46 :])
    return path


@attack("its member config.json is damaged", "CorruptFileError")
def a_directory_outside_of_the_file(folder: Path, secret: Path) -> Path:
    """Damage, not danger: an offset beyond the end reads nothing."""
    path = make_archive(folder, weights=make_weights())
    data = path.read_bytes()
    place = data.rindex(b"PK\x05\x06")
    path.write_bytes(data[: place + 16] + struct.pack("<L", 0xFFFFFF00) + data[place + 20 :])
    return path
