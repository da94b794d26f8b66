"""The State Cookie: what an endpoint would have to remember of an INIT (RFC 9260 section 5.1.3)."""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.core import SECOND

LIFETIME = 60 * SECOND
"""Valid.Cookie.Life (section 16)."""

_FIELDS = struct.Struct("!QIIIII16sH")
_DIGEST = 32


@dataclass(frozen=True)
class Cookie:
    """Both sides' tags and first TSNs, as of ``made`` (ns).

    ``tie`` is our tag in the association that there was then with the peer; 0: in none. The
    vectors are what both sides have said of authentication.
    """

    made: int
    tag: int
    tsn: int
    peer_tag: int
    peer_tsn: int
    tie: int
    peer: IPv6Address
    vector: bytes = b""
    peer_vector: bytes = b""

    def seal(self, secret: bytes) -> bytes:
        """The cookie as it travels, so that nobody else can make one."""
        tags = self.tag, self.tsn, self.peer_tag, self.peer_tsn, self.tie
        fields = _FIELDS.pack(self.made, *tags, self.peer.packed, len(self.vector))
        fields += self.vector + self.peer_vector
        return fields + hmac.digest(secret, fields, hashlib.sha256)


def open_cookie(sealed: bytes, secret: bytes, peer: IPv6Address, now: int) -> Cookie | None:
    """The cookie, if it is one of ours for this peer, and not too old."""
    if len(sealed) < _FIELDS.size + _DIGEST:
        return None
    fields, digest = sealed[:-_DIGEST], sealed[-_DIGEST:]
    if not hmac.compare_digest(digest, hmac.digest(secret, fields, hashlib.sha256)):
        return None
    made, tag, tsn, peer_tag, peer_tsn, tie, address, length = _FIELDS.unpack_from(fields)
    vectors = fields[_FIELDS.size :]
    tags = tag, tsn, peer_tag, peer_tsn, tie
    cookie = Cookie(made, *tags, IPv6Address(address), vectors[:length], vectors[length:])
    return cookie if cookie.peer == peer and 0 <= now - made <= LIFETIME else None
