"""What a captured SCTP packet is: a context transfer message, or what an association takes."""

from __future__ import annotations

import ipaddress
import struct

_HEADER = 12
_CHUNK = struct.Struct("!BBH")
_DATA, _DATA_HEADER = 0, 12
_AUTH = 15
"""It stands before what it authenticates (RFC 4895)."""
_CHUNKS = {
    0: "DATA",
    1: "INIT",
    2: "INIT ACK",
    3: "SACK",
    4: "HEARTBEAT",
    5: "HEARTBEAT ACK",
    6: "ABORT",
    7: "SHUTDOWN",
    8: "SHUTDOWN ACK",
    9: "ERROR",
    10: "COOKIE ECHO",
    11: "COOKIE ACK",
    14: "SHUTDOWN COMPLETE",
    15: "AUTH",
}
_CXTP_PORT = 5091
_CXTP = {1: "CTAR", 2: "CTAA", 3: "CTD", 4: "PCTD", 5: "CTDR", 6: "CTC", 7: "CT-Req"}
_ADDRESS_AT = {"CT-Req": 4, "CTD": 8, "PCTD": 8, "CTDR": 4, "CTC": 4}


def read(body: bytes) -> tuple[str, str]:
    """Type and detail; of several chunks that of the first message, else of the first one."""
    ports = struct.unpack_from("!HH", body)
    offset, names = _HEADER, []
    while offset + _CHUNK.size <= len(body):
        kind, _, length = _CHUNK.unpack_from(body, offset)
        if kind == _DATA and _CXTP_PORT in ports:
            return _context(body[offset + _CHUNK.size + _DATA_HEADER : offset + length])
        if kind != _AUTH:
            names.append(_CHUNKS.get(kind, f"chunk {kind}"))
        offset += max(length + -length % 4, _CHUNK.size)
    return f"SCTP {names[0] if names else _CHUNKS[_AUTH]}", ""


def _context(message: bytes) -> tuple[str, str]:
    """A CXTP message, and the address of the node that it is about (RFC 4067 section 2.5)."""
    name = _CXTP.get(message[0] & 0x1F, "CXTP")
    at = _ADDRESS_AT.get(name)
    return name, "" if at is None else str(ipaddress.IPv6Address(message[at : at + 16]))
