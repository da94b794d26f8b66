"""Which mechanisms authorize Binding Updates (HDMM paper section 4.1.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv6Address

from agents.mipv6 import return_routability
from agents.wire.mobility import BindingUpdate, Status
from agents.wire.mobility_options import MobilityOption, Signature

PROVE_ANEW = frozenset(
    {
        Status.EXPIRED_HOME_NONCE_INDEX,
        Status.EXPIRED_CARE_OF_NONCE_INDEX,
        Status.EXPIRED_NONCES,
        Status.PERMANENT_HOME_KEYGEN_TOKEN_UNAVAILABLE,
    }
)
"""Refusals after which a mobile node shows once more, by fresh tokens, who it is."""


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
    """What a signature covers: the update as it is without the Signature and what follows it."""
    bare = replace(update, options=_before_signature(update.options))
    return return_routability.mobility_data(bare, care_of, correspondent)


def _before_signature(options: Sequence[MobilityOption]) -> tuple[MobilityOption, ...]:
    kinds = [type(option) for option in options]
    return tuple(options[: kinds.index(Signature)] if Signature in kinds else options)
