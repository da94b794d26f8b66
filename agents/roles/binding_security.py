"""What authorizes Binding Updates, made of an agent's configuration; CGAs on the kernel."""

from __future__ import annotations

import os
from ipaddress import IPv6Address, IPv6Interface, IPv6Network
from random import Random
from typing import Any

from agents.kernel.netlink import Netlink, get_sysctl, set_sysctl
from agents.mipv6 import cga
from agents.mipv6.authorizer import Authorizer
from agents.mipv6.keys import KeyPair
from agents.mipv6.security import Security
from agents.mipv6.verifier import Verifier
from agents.wire.ndp import PrefixInformation

SEC = 1
"""The security parameter of the CGAs: their making takes 65,536 hashes, once."""

KCN_SIZE = 20
"""Octets of a correspondent's secret (RFC 6275 section 5.2.1)."""
_MODIFIER_BITS = 128
_PREFIX_LENGTH = 64


def verifier(config: dict[str, Any]) -> Verifier:
    """A home agent's part, with a secret of its own."""
    address = IPv6Address(config["address"])
    return Verifier(Security(**config["security"]), address, os.urandom(KCN_SIZE))


class MobileNodeSecurity:
    """A mobile node's part: its authorizer, its keys, and its home addresses if they are CGAs."""

    def __init__(self, config: dict[str, Any]) -> None:
        security, random = Security(**config["security"]), Random(config["seed"])
        self._keys = KeyPair.generate() if security.cga else None
        self.authorizer = Authorizer(security, self._keys, random)
        self._interface: str = config["interface"]
        self._modifier = random.getrandbits(_MODIFIER_BITS).to_bytes(_MODIFIER_BITS // 8, "big")
        if self._keys:
            _, parameters = cga.generate(
                self._keys.public_key, IPv6Network("fe80::/64"), self._modifier, SEC
            )
            self._modifier = parameters.modifier  # a hard one, whatever the prefix
            set_sysctl(f"net/ipv6/conf/{self._interface}/autoconf", 0)

    def configure(self, offer: PrefixInformation) -> None:
        """Have an address of a prefix that is advertised, in the place of the kernel's SLAAC.

        One that is there already gets the lifetimes; of a deprecated prefix no new one is made
        (RFC 4862 section 5.5.3).
        """
        if self._keys is None or not _is_usable(offer):
            return
        address, parameters = cga.generate(self._keys.public_key, offer.prefix, self._modifier, SEC)
        with Netlink() as netlink:
            known = any(address == other.ip for other in netlink.addresses(self._interface))
            if not known and not offer.preferred_lifetime:
                return
            self.authorizer.own(address, parameters)
            netlink.add_address(
                self._interface,
                IPv6Interface((address, offer.prefix.prefixlen)),
                optimistic=not known and self._is_optimistic(),
                valid=offer.valid_lifetime,
                preferred=offer.preferred_lifetime,
            )

    def _is_optimistic(self) -> bool:
        return get_sysctl(f"net/ipv6/conf/{self._interface}/optimistic_dad") == "1"


def _is_usable(offer: PrefixInformation) -> bool:
    lives = 0 < offer.valid_lifetime >= offer.preferred_lifetime
    return offer.autonomous and lives and offer.prefix.prefixlen == _PREFIX_LENGTH
