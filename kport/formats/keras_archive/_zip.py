"""A zip archive of stored members, read in place and written without extraction.

Spec: PKWARE APPNOTE 6.3.10; 4.3.7 for the local header that says where a member's bytes begin.
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from blake3 import blake3

from kport.errors import CorruptFileError, Problem, UnsafeFileError, mapped
from kport.formats._mapped import identity_of
from kport.formats.keras_archive._layout import ZIP_DATE

__all__ = ["Archive", "is_sealed", "open_archive", "seal", "seal_holds", "stored_member"]

MAX_MEMBERS = 100_000
MAX_INFLATED = 1 << 30  # a deflated member is held in memory; Keras itself only stores
_SEAL = b"kport blake3 "  # the comment of our archives: this and the digits of a BLAKE3
_DIGITS = 64
_END = struct.Struct("<4sHHHHLLH")
_UTF8 = 1 << 11
_LOCAL_HEADER = struct.Struct("<4sHHHHHLLLHH")


@dataclass(frozen=True, slots=True)
class Archive:
    """The members of an archive, by name."""

    path: Path
    members: Mapping[str, zipfile.ZipInfo]
    identity: tuple[int, ...]

    def read(self, name: str, limit: int) -> bytes:
        """Return a member's bytes, its CRC checked.

        Raises:
            UnsafeFileError: It is longer than `limit`.
            CorruptFileError: It is damaged.
        """
        member = self.members[name]
        if member.file_size > limit:
            raise UnsafeFileError(
                f"its member {name} is {member.file_size} bytes; at most {limit} are read"
            )
        with (
            mapped(CorruptFileError, f"its member {name} is damaged", path=self.path),
            zipfile.ZipFile(self.path) as archive,
            archive.open(member) as file,
        ):
            if identity_of(self.path.stat()) != self.identity:
                raise CorruptFileError("was changed after it was opened", remedy="Read it again.")
            return file.read(limit + 1)[: member.file_size]

    def place(self, name: str) -> tuple[int, int] | None:
        """Return first byte and length of a stored member in the file; None when compressed."""
        member = self.members[name]
        if member.compress_type != zipfile.ZIP_STORED:
            return None
        with self.path.open("rb") as file:
            file.seek(member.header_offset)
            header = file.read(_LOCAL_HEADER.size)
            if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
                raise CorruptFileError(f"its member {name} has no local header")
            name_length, extra_length = _LOCAL_HEADER.unpack(header)[-2:]
            encoding = "utf-8" if member.flag_bits & _UTF8 else "cp437"  # APPNOTE, appendix D
            if file.read(name_length) != member.orig_filename.encode(encoding, "replace"):
                raise CorruptFileError(f"its member {name} has another name in its local header")
        start = member.header_offset + _LOCAL_HEADER.size + name_length + extra_length
        if start + member.file_size > self.path.stat().st_size:
            raise CorruptFileError(f"is truncated inside its member {name}")
        return start, member.file_size


def open_archive(path: Path) -> Archive:
    """Read the directory of an archive and check every name in it.

    Raises:
        CorruptFileError: It is no zip archive, or truncated.
        UnsafeFileError: Names that leave the archive, links, duplicates, encrypted members.
    """
    with (
        mapped(
            CorruptFileError,
            "is truncated or no zip archive",
            path=path,
            remedy="Copy it again from where it came.",
        ),
        zipfile.ZipFile(path) as archive,
    ):
        identity = identity_of(path.stat())
        members = archive.infolist()
        if _lacks_bytes(path):
            raise CorruptFileError("is truncated or no zip archive: its comment lacks bytes")
    problems = _unsafe(members)
    if problems:
        raise UnsafeFileError("refused as an archive", path=path, problems=problems)
    return Archive(path, {member.filename: member for member in members}, identity)


def _lacks_bytes(path: Path) -> bool:
    """Say whether the archive's comment is shorter than announced, which zipfile lets pass."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _END.size - 0xFFFF))
        tail = file.read()
    begin = tail.rfind(b"PK\x05\x06")
    length: int = _END.unpack_from(tail, begin)[-1]
    return begin + _END.size + length > len(tail)


def _unsafe(members: list[zipfile.ZipInfo]) -> list[Problem]:
    problems = []
    if len(members) > MAX_MEMBERS:
        return [Problem("members", f"are {len(members)}, more than {MAX_MEMBERS}", "unsafe")]
    seen: set[str] = set()
    for member in members:
        name = member.filename
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in name:
            problems.append(Problem(name, "leads out of the archive", "unsafe"))
        if name in seen:
            problems.append(Problem(name, "stands twice in the archive", "unsafe"))
        if (member.external_attr >> 16) & 0o170000 == 0o120000:
            problems.append(Problem(name, "is a symbolic link", "unsafe"))
        if member.flag_bits & 1:
            problems.append(Problem(name, "is encrypted", "unsafe"))
        seen.add(name)
    return problems


def stored_member(name: str) -> zipfile.ZipInfo:
    """Return a member to write that is the same in every run: stored, without a date."""
    member = zipfile.ZipInfo(name, ZIP_DATE)
    member.compress_type = zipfile.ZIP_STORED
    member.external_attr = 0o644 << 16
    member.create_system = 3  # Unix, whatever system writes
    return member


def seal(path: Path) -> None:
    """Write into the archive's comment the BLAKE3 of all its bytes that belong to no member.

    Zip itself has a CRC-32 for the bytes of each member, and none for headers and directory.
    """
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = _SEAL + b"0" * _DIGITS
    found = _digest_between(open_archive(path))
    with path.open("r+b") as file:
        file.seek(-_DIGITS, os.SEEK_END)
        file.write(found)


def is_sealed(path: Path) -> bool:
    """Say whether the archive ends in a seal, right or wrong."""
    return _tail(path).startswith(_SEAL)


def seal_holds(archive: Archive) -> bool:
    """Say whether headers and directory are as they were written."""
    expected = _SEAL + _digest_between(archive)
    return _tail(archive.path) == expected


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(_SEAL) - _DIGITS))
        return file.read()


def _digest_between(archive: Archive) -> bytes:
    """Return the digest of headers and directory: all but the members' bytes and the digits."""
    found, position = blake3(), 0
    end = archive.path.stat().st_size - _DIGITS
    places = sorted(place for name in archive.members if (place := archive.place(name)))
    with archive.path.open("rb") as file:
        for start, length in [*places, (end, 0)]:
            file.seek(position)
            found.update(file.read(max(0, start - position)))
            position = start + length
    return found.hexdigest().encode()
