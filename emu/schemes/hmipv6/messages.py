"""The messages of Hierarchical Mobile IPv6: those of Mobile IPv6, but for flag M."""

from __future__ import annotations

import struct

from agents.wire.ipv6 import MOBILITY
from agents.wire.mobility import BindingUpdateFlag
from emu.schemes.messages import Messages

_UPDATE = 5
_FIELDS = struct.Struct("!HHH")
"""Sequence number, flags and lifetime of a Binding Update, behind its header."""


def read(protocol: int, body: bytes) -> tuple[str, str] | None:
    """A Binding Update to a MAP (RFC 5380 section 4)."""
    if protocol != MOBILITY or body[2] != _UPDATE:
        return None
    sequence, flags, lifetime = _FIELDS.unpack_from(body, 6)
    if not flags & BindingUpdateFlag.M:
        return None
    return "LBU", f"#{sequence}" + (" lifetime 0" if lifetime == 0 else "")


MESSAGES = Messages(("LBU", "BU", "BA"), updates=("LBU", "BU"), read=read)
