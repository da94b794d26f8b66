"""A small pcapng reader and writer (draft-ietf-opsawg-pcapng): SHB, IDB, EPB and ISB blocks.

The reader takes files of either byte order that may be torn or damaged: it gives the packets up to
the first block that makes no sense. Times are integer nanoseconds since 1970.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

ETHERNET, RAW = 1, 101
UNKNOWN, INBOUND, OUTBOUND = 0, 1, 2
_SHB, _IDB, _ISB, _EPB = 0x0A0D0D0A, 1, 5, 6
_MAGIC = 0x1A2B3C4D
_COMMENT = 1
_IF_NAME, _IF_DESCRIPTION, _IF_TSRESOL = 2, 3, 9
_EPB_FLAGS = 2
_ISB_RECEIVED, _ISB_DROPPED = 4, 5
_BLOCK_HEADER = 12
_LONGEST_BLOCK = 16 << 20


@dataclass(frozen=True)
class Interface:
    """An interface description block."""

    name: str
    description: str = ""
    link_type: int = ETHERNET
    ticks_per_second: int = 1_000_000_000


@dataclass(frozen=True)
class Packet:
    """An enhanced packet block; ``length`` is the length on the wire, ``data`` what was kept."""

    time_ns: int
    interface: int
    direction: int
    data: bytes
    length: int


@dataclass
class Capture:
    """A whole file; ``dropped`` is what the kernel could not queue for the capture."""

    interfaces: list[Interface] = field(default_factory=list)
    packets: list[Packet] = field(default_factory=list)
    comment: str = ""
    received: int = 0
    dropped: int = 0


class _Damaged(ValueError):
    """The rest of the file makes no sense."""


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("=HH", code, len(value)) + _padded(value) if value else b""


def _block(kind: int, body: bytes, options: bytes = b"") -> bytes:
    if options:
        options += bytes(4)  # opt_endofopt
    length = 12 + len(body) + len(options)
    return struct.pack("=II", kind, length) + body + options + struct.pack("=I", length)


class Writer:
    """Writes one section; nanosecond timestamps."""

    def __init__(self, path: str | Path, comment: str = "") -> None:
        self._file: BinaryIO = open(path, "wb")  # noqa: SIM115 - closed by close()
        body = struct.pack("=IHHq", _MAGIC, 1, 0, -1)
        self._file.write(_block(_SHB, body, _option(_COMMENT, comment.encode())))

    def interface(self, interface: Interface) -> None:
        """Describe the next interface; the first one described is number 0."""
        options = (
            _option(_IF_NAME, interface.name.encode())
            + _option(_IF_DESCRIPTION, interface.description.encode())
            + _option(_IF_TSRESOL, b"\x09")
        )
        body = struct.pack("=HHI", interface.link_type, 0, 0)
        self._file.write(_block(_IDB, body, options))

    def packet(self, packet: Packet) -> None:
        """Add a packet."""
        body = struct.pack(
            "=IIIII",
            packet.interface,
            packet.time_ns >> 32 & 0xFFFFFFFF,
            packet.time_ns & 0xFFFFFFFF,
            len(packet.data),
            packet.length,
        ) + _padded(packet.data)
        flags = struct.pack("=I", packet.direction)
        self._file.write(_block(_EPB, body, _option(_EPB_FLAGS, flags)))

    def statistics(self, interface: int, received: int, dropped: int) -> None:
        """Say what the kernel counted on an interface."""
        options = _option(_ISB_RECEIVED, struct.pack("=Q", received)) + _option(
            _ISB_DROPPED, struct.pack("=Q", dropped)
        )
        self._file.write(_block(_ISB, struct.pack("=III", interface, 0, 0), options))

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """End the file."""
        self._file.close()


def read(path: str | Path) -> Capture:
    """Read a file, as far as it is sound."""
    capture = Capture()
    try:
        for kind, body, order in _blocks(Path(path).read_bytes()):
            _take(capture, kind, body, order)
    except (_Damaged, struct.error):
        pass  # documented: a torn or damaged file gives the packets before the damage
    return capture


class Tail:
    """Reads a file, of this machine's byte order, that is still written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = 0
        self._capture = Capture()

    def poll(self) -> Capture:
        """The packets that are new since the last time; none if there is no file yet."""
        self._capture.packets = []
        try:
            with self._path.open("rb") as file:
                file.seek(self._place)
                data = file.read()
        except FileNotFoundError:
            return self._capture
        with suppress(_Damaged, struct.error):  # by a block that is not yet whole
            for kind, body, order in _blocks(data):
                _take(self._capture, kind, body, order)
                self._place += _BLOCK_HEADER + len(body)
        return self._capture


def _blocks(data: bytes) -> Iterator[tuple[int, bytes, str]]:
    """(type, body, byte order) of each block."""
    at, order = 0, "="
    while at + 12 <= len(data):
        if data[at : at + 4] == b"\n\r\r\n":
            order = "<" if data[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
        kind, length = struct.unpack_from(order + "II", data, at)
        if length < 12 or length % 4 or length > _LONGEST_BLOCK or at + length > len(data):
            raise _Damaged
        yield kind, data[at + 8 : at + length - 4], order
        at += length


def _options(data: bytes, order: str) -> dict[int, bytes]:
    options: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        code, length = struct.unpack_from(order + "HH", data, at)
        if code == 0:
            break
        options.setdefault(code, data[at + 4 : at + 4 + length])
        at += 4 + length + -length % 4
    return options


def _take(capture: Capture, kind: int, body: bytes, order: str) -> None:
    if kind == _SHB:
        if struct.unpack_from(order + "I", body)[0] != _MAGIC or capture.interfaces:
            raise _Damaged  # a second section: we never write one
        capture.comment = _options(body[16:], order).get(_COMMENT, b"").decode(errors="replace")
    elif kind == _IDB:
        capture.interfaces.append(_read_interface(body, order))
    elif kind == _EPB:
        capture.packets.append(_read_packet(capture, body, order))
    elif kind == _ISB:
        options = _options(body[12:], order)
        capture.received += _counter(options.get(_ISB_RECEIVED), order)
        capture.dropped += _counter(options.get(_ISB_DROPPED), order)


def _counter(value: bytes | None, order: str) -> int:
    return struct.unpack(order + "Q", value)[0] if value is not None else 0


def _read_interface(body: bytes, order: str) -> Interface:
    (link_type,) = struct.unpack_from(order + "H", body)
    options = _options(body[8:], order)
    resolution = (options.get(_IF_TSRESOL) or b"\x06")[0]
    if (resolution & 0x7F) > 63:
        raise _Damaged
    ticks = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    return Interface(
        options.get(_IF_NAME, b"").decode(errors="replace"),
        options.get(_IF_DESCRIPTION, b"").decode(errors="replace"),
        link_type,
        ticks,
    )


def _read_packet(capture: Capture, body: bytes, order: str) -> Packet:
    number, high, low, kept, length = struct.unpack_from(order + "IIIII", body)
    if number >= len(capture.interfaces) or 20 + kept > len(body):
        raise _Damaged
    options = _options(body[20 + kept + -kept % 4 :], order)
    flags = options.get(_EPB_FLAGS, bytes(4))
    direction = struct.unpack(order + "I", flags)[0] & 3
    ticks = capture.interfaces[number].ticks_per_second
    time_ns = (high << 32 | low) * 1_000_000_000 // ticks
    return Packet(time_ns, number, direction, body[20 : 20 + kept], length)
