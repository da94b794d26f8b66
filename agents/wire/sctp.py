"""SCTP packets (RFC 9260 section 3): a common header with a checksum, and chunks."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from agents.wire.errors import MalformedPacket
from agents.wire.sctp_chunks import (
    Authentication,
    Chunk,
    decode_chunks,
    encode_chunks,
    without_code,
)

PROTOCOL = 132

_HEADER = struct.Struct("!HHI4x")  # ports, verification tag, checksum
_CHECKSUM = slice(8, 12)

_POLYNOMIAL = 0x82F63B78


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _crc_table()


def crc32c(data: bytes | bytearray) -> int:
    """The checksum (RFC 9260 appendix A); on the wire least significant octet first."""
    value = 0xFFFFFFFF
    for octet in data:
        value = value >> 8 ^ _TABLE[(value ^ octet) & 0xFF]
    return value ^ 0xFFFFFFFF


@dataclass(frozen=True)
class Packet:
    """The common header and the chunks that are known here; others are left out."""

    source_port: int
    destination_port: int
    tag: int
    chunks: tuple[Chunk, ...]
    covered: bytes = field(default=b"", compare=False, repr=False)
    """Of one that came with AUTH: the octets that its code is for."""

    @property
    def authentication(self) -> Authentication | None:
        """The AUTH chunk; there is one at most."""
        return next((one for one in self.chunks if isinstance(one, Authentication)), None)

    @property
    def plain(self) -> tuple[Chunk, ...]:
        """The chunks that no code is for: those before AUTH (RFC 4895 section 5.1)."""
        return self.chunks[: self._authentication_at]

    @property
    def sealed(self) -> tuple[Chunk, ...]:
        """The chunks behind AUTH."""
        return self.chunks[self._authentication_at + 1 :]

    @property
    def _authentication_at(self) -> int:
        kinds = [type(chunk) for chunk in self.chunks]
        return kinds.index(Authentication) if Authentication in kinds else len(kinds)


def encode(packet: Packet) -> bytes:
    """The packet with its checksum."""
    head = _HEADER.pack(packet.source_port, packet.destination_port, packet.tag)
    data = bytearray(head + encode_chunks(packet.chunks))
    data[_CHECKSUM] = crc32c(data).to_bytes(4, "little")
    return bytes(data)


def decode(data: bytes) -> Packet:
    """Check a packet and take it apart."""
    if len(data) < _HEADER.size:
        raise MalformedPacket(f"SCTP packet of {len(data)} octets")
    blank = bytearray(data)
    blank[_CHECKSUM] = bytes(4)
    if data[_CHECKSUM] != crc32c(blank).to_bytes(4, "little"):
        raise MalformedPacket("wrong checksum of an SCTP packet")
    chunks: list[Chunk] = []
    covered = b""
    for offset, chunk in decode_chunks(data, _HEADER.size):
        chunks.append(chunk)
        if isinstance(chunk, Authentication):
            if covered:
                raise MalformedPacket("SCTP packet with two AUTH chunks")
            covered = without_code(data[offset:], len(chunk.code))
    source_port, destination_port, tag = _HEADER.unpack_from(data)
    return Packet(source_port, destination_port, tag, tuple(chunks), covered)
