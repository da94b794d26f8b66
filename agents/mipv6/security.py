"""Which mechanisms authorize Binding Updates (HDMM paper section 4.1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.mipv6 import return_routability
from agents.wire import mobility
from agents.wire.mobility import BindingUpdate, Status
from agents.wire.mobility_options import CgaParameters, Signature

PROVE_ANEW = frozenset(
    {
        Status.EXPIRED_HOME_NONCE_INDEX,
        Status.EXPIRED_CARE_OF_NONCE_INDEX,
        Status.EXPIRED_NONCES,
        Status.PERMANENT_HOME_KEYGEN_TOKEN_UNAVAILABLE,
    }
)
"""Refusals after which a mobile node shows once more, by fresh tokens, who it is."""
UNVERIFIED = PROVE_ANEW | {Status.CGA_AND_SIGNATURE_VERIFICATION_FAILED}
"""Refusals of an update that could not be verified, and so could not be proven."""


@dataclass(frozen=True)
class Security:
    """What is switched on; with nothing, whoever sends a Binding Update is believed."""

    cga: bool = False
    """Home addresses are CGAs, and their updates signed (RFC 3972, RFC 4866)."""
    return_routability: bool = False
    """A care-of address is tested before it is bound (RFC 6275 section 5.2)."""
    permanent_keygen_token: bool = False
    """Only the first update is signed; later ones are authenticated by the token that its
    acknowledgement brought (RFC 4866 section 3.3)."""

    def __post_init__(self) -> None:
        if self.permanent_keygen_token and not self.cga:
            raise ValueError("a permanent keygen token is given to the owner of a CGA only")


def signed_data(update: BindingUpdate, care_of: IPv6Address, correspondent: IPv6Address) -> bytes:
    """What a signature covers: the octets up to the end of the last CGA parameters.

    RFC 4866 section 4.5. The header tells the length of all, so what follows has its room already.
    """
    data = return_routability.octets(update, care_of, correspondent)
    spans = mobility.option_spans(data)
    end = max((end for number, _, end in spans if number == CgaParameters.TYPE), default=0)
    return return_routability.mobility_data(data[:end], care_of, correspondent)


def signed_parameters(update: BindingUpdate) -> tuple[bytes, bytes] | None:
    """The CGA Parameters data structure of an update, and the signature; None: as it must not be.

    Its options follow one another, all but the last are full, and the signature is directly behind
    (RFC 4866 sections 4.5 and 5.1).
    """
    options = update.options
    kinds = [type(option) for option in options]
    count = kinds.count(CgaParameters)
    first = kinds.index(CgaParameters) if count else 0
    parts = [part for part in options[first : first + count] if isinstance(part, CgaParameters)]
    signature = options[first + count] if first + count < len(options) else None
    if not parts or len(parts) < count or not isinstance(signature, Signature):
        return None
    if any(len(part.data) != CgaParameters.MAXIMUM for part in parts[:-1]):
        return None
    return CgaParameters.join(parts), signature.data


def registered(update: BindingUpdate, home: IPv6Address, care_of: IPv6Address) -> IPv6Address:
    """The address that an authenticator names: that which is going to be bound, or is again."""
    return care_of if update.lifetime else home
