"""Cryptographically Generated Addresses (RFC 3972): addresses that prove whose they are.

The interface identifier is a hash of a public key and the subnet prefix, so whoever signs with the
private key is the address's owner. No infrastructure is needed.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from agents.wire.errors import MalformedPacket

MAXIMUM_SEC = 2
"""The strongest of RFC 3972's security parameters that SHA-1 defines (RFC 4982 section 4); each
step makes finding a modifier 2**16 times as dear."""

MAXIMUM_COLLISIONS = 2
"""How often a duplicate may be met before there is an attack (RFC 3972 section 4)."""

_HEAD = struct.Struct("!16s8sB")
_EXTENSION = struct.Struct("!HH")
_SEC_SHIFT = 61
_SEQUENCE = 0x30
_LONG_FORM = 0x80
_HASHED = 0x1CFF_FFFF_FFFF_FFFF
"""The bits of an interface identifier that are neither Sec nor the u and g bits."""


@dataclass(frozen=True)
class Parameters:
    """The CGA Parameters data structure (RFC 3972 section 3, figure 1).

    ``public_key`` is a DER-encoded SubjectPublicKeyInfo; ``extensions`` are type-length-value
    fields (RFC 4581), of which none matters here but to the hash.
    """

    modifier: bytes
    prefix: IPv6Network
    collision_count: int
    public_key: bytes
    extensions: bytes = b""

    def encode(self) -> bytes:
        """The data structure."""
        head = _HEAD.pack(self.modifier, _subnet(self.prefix), self.collision_count)
        return head + self.public_key + self.extensions

    @classmethod
    def decode(cls, data: bytes) -> Parameters:
        """Take a data structure apart; MalformedPacket when it cannot be one."""
        if len(data) < _HEAD.size:
            raise MalformedPacket(f"CGA parameters of {len(data)} octets")
        modifier, subnet, collision_count = _HEAD.unpack_from(data)
        end = _HEAD.size + _der_length(data[_HEAD.size :])
        prefix = IPv6Network((subnet + bytes(8), 64))
        extensions = data[end:]
        _check_extensions(extensions)
        return cls(modifier, prefix, collision_count, data[_HEAD.size : end], extensions)

    def hash1(self) -> int:
        """The 64 leftmost bits of the hash over all (RFC 3972 section 3)."""
        return int.from_bytes(hashlib.sha1(self.encode()).digest()[:8], "big")

    def hash2(self) -> int:
        """The 112 leftmost bits of the hash without prefix and collision count."""
        hashed = self.modifier + bytes(9) + self.public_key + self.extensions
        return int.from_bytes(hashlib.sha1(hashed).digest()[:14], "big")

    def hard_enough(self, sec: int) -> bool:
        """Whether as many bits of Hash2 are zero as Sec demands."""
        return self.hash2() >> (112 - 16 * sec) == 0

    def address(self, sec: int) -> IPv6Address:
        """The address that these parameters make with this Sec."""
        return self.prefix[interface_identifier(self.hash1(), sec)]


def interface_identifier(hash1: int, sec: int) -> int:
    """Hash1 with Sec in its three leftmost bits, and the u and g bits 0 (section 4, step 6)."""
    return hash1 & _HASHED | sec << _SEC_SHIFT


def generate(
    public_key: bytes, prefix: IPv6Network, modifier: bytes, sec: int = 1, extensions: bytes = b""
) -> tuple[IPv6Address, Parameters]:
    """An address in the prefix and its parameters (RFC 3972 section 4).

    ``modifier``, 16 random octets, is where the search begins, which takes 2**(16 * sec) hashes.
    """
    if not 0 <= sec <= MAXIMUM_SEC:
        raise ValueError(f"Sec {sec}: 0 to {MAXIMUM_SEC}")
    hard = _hard_modifier(modifier, public_key + extensions, sec)
    parameters = Parameters(hard, prefix, 0, public_key, extensions)
    return parameters.address(sec), parameters


def _hard_modifier(modifier: bytes, behind: bytes, sec: int) -> bytes:
    """The first modifier, counting up from this one, with which Hash2 has its zeros."""
    number, zeros, constant = int.from_bytes(modifier, "big"), bytes(2 * sec), bytes(9) + behind
    while True:
        modifier = number.to_bytes(16, "big")
        if hashlib.sha1(modifier + constant).digest().startswith(zeros):
            return modifier
        number = (number + 1) % (1 << 128)


def verify(address: IPv6Address, parameters: Parameters) -> bool:
    """Whether the address was made of these parameters (RFC 3972 section 5)."""
    identifier = int(address) & ((1 << 64) - 1)
    sec = identifier >> _SEC_SHIFT
    return (
        parameters.collision_count <= MAXIMUM_COLLISIONS
        and sec <= MAXIMUM_SEC
        and address in parameters.prefix
        and (identifier ^ parameters.hash1()) & _HASHED == 0
        and parameters.hard_enough(sec)
    )


def _subnet(prefix: IPv6Network) -> bytes:
    if prefix.prefixlen != 64:
        raise ValueError(f"the subnet prefix of an address has 64 bits, not {prefix.prefixlen}")
    return prefix.network_address.packed[:8]


def _der_length(data: bytes) -> int:
    """Octets of the DER-encoded sequence at the start of ``data``, its header included."""
    if len(data) < 2 or data[0] != _SEQUENCE:
        raise MalformedPacket("CGA parameters without a DER-encoded public key")
    length, start = data[1], 2
    if length >= _LONG_FORM:
        octets = length - _LONG_FORM
        length, start = int.from_bytes(data[2 : 2 + octets], "big"), 2 + octets
    if start + length > len(data):
        raise MalformedPacket("CGA parameters with a public key longer than they are")
    return start + length


def _check_extensions(data: bytes) -> None:
    while data:
        if len(data) < _EXTENSION.size:
            raise MalformedPacket("CGA parameters with half an extension field")
        _, length = _EXTENSION.unpack_from(data)
        if len(data) < _EXTENSION.size + length:
            raise MalformedPacket("CGA parameters with an extension field longer than they are")
        data = data[_EXTENSION.size + length :]
