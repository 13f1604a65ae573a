"""Zip archives, opened within bounds: what is in them, and what could not be looked at."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from mailsim.servers.filter.message import MAX_PARTS

MAX_LEVELS = 14  # Amavis's $MAXLEVELS, as Debian sets it
# Debian lets a message grow to 300 MiB on disk; here it is memory and a shared loop.
MAX_EXPANSION = 64 * 1024 * 1024
MAX_NESTED = 8 * 1024 * 1024
MIN_EXPANSION = 100 * 1024
_EXPANSION_FACTOR = 500  # Amavis's $MAX_EXPANSION_FACTOR
_CHUNK = 64 * 1024
_MEMBER = b"PK\x01\x02"
_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError,
    ValueError, RuntimeError, OverflowError, IndexError, AssertionError,
)  # fmt: skip


class Exceeded(Exception):  # it ends the unpacking, as Amavis's die does
    """A bound was passed; the text is Amavis's own."""


@dataclass(slots=True)
class Unpacked:
    """What was met on the way: names of members, and whether all could be read."""

    names: list[str] = field(default_factory=list)
    encrypted: bool = False
    undecipherable: bool = False
    hold: str = ""
    """Which bound was passed, "" for none."""


class Unpacker:
    """Opens archives in archives; `scan` gets every octet of them, in pieces that overlap."""

    def __init__(self, size: int, scan: Callable[[bytes], None], overlap: int) -> None:
        self.quota = max(MIN_EXPANSION, min(MAX_EXPANSION, size * _EXPANSION_FACTOR))
        self._left = self.quota
        self._scan = scan
        self._overlap = overlap
        self.result = Unpacked()

    def open(self, data: bytes) -> None:
        """Unpack `data` if it is an archive.  Raises nothing."""
        if self.result.hold or not is_archive(data):
            return
        try:
            self._archive(data, 1)
        except Exceeded as error:
            self.result.hold = str(error)
        except _BROKEN:
            self.result.undecipherable = True

    def _archive(self, data: bytes, level: int) -> None:
        if level > MAX_LEVELS:
            raise Exceeded(f"Maximum decoding depth ({MAX_LEVELS}) exceeded")
        # Counted before zipfile makes an object of each.
        if len(self.result.names) + data.count(_MEMBER) > MAX_PARTS:
            raise Exceeded(f"Maximum number of files ({MAX_PARTS}) exceeded")
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                self.result.names.append(info.filename)
                self._member(archive, info, level)

    def _member(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, level: int) -> None:
        if info.flag_bits & 1:
            self.result.encrypted = True
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # LZMA's header says how much memory it takes: not from a stranger.
            self.result.undecipherable = True
        else:
            try:
                self._read(archive, info, level)
            except _BROKEN:
                self.result.undecipherable = True

    def _read(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, level: int) -> None:
        with archive.open(info) as member:
            piece = member.read(_CHUNK)
            if is_archive(piece) or (info.file_size <= MAX_NESTED and len(piece) == _CHUNK):
                piece += member.read(MAX_NESTED - len(piece) + 1)
                self._charge(len(piece))
                self._scan(piece)
                if is_archive(piece):
                    self._nested(piece, level)
                return
            tail = b""
            while piece:
                self._charge(len(piece))
                self._scan(tail + piece)
                tail = piece[-self._overlap :]
                piece = member.read(_CHUNK)

    def _nested(self, piece: bytes, level: int) -> None:
        if len(piece) > MAX_NESTED:
            raise Exceeded(self._message(len(piece)))
        self._archive(piece, level + 1)

    def _charge(self, size: int) -> None:
        if size > self._left:
            raise Exceeded(self._message(size))
        self._left -= size

    def _message(self, size: int) -> str:
        return f"Exceeded storage quota {self.quota} bytes by do_unzip; last chunk {size} bytes"


def is_archive(data: bytes) -> bool:
    """Whether it begins as a zip archive does, or ends as one (behind a program that opens it)."""
    return data.startswith(b"PK\x03\x04") or data.rfind(b"PK\x05\x06", -65_558) >= 0
