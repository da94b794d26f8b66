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

SEC = 1
"""The security parameter of the CGAs: their making takes 65,536 hashes, once."""

KCN_SIZE = 20
"""Octets of a correspondent's secret (RFC 6275 section 5.2.1)."""
_MODIFIER_BITS = 128


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

    def configure(self, prefix: IPv6Network) -> None:
        """Have an address of a prefix that is advertised, in the place of the kernel's SLAAC."""
        if self._keys is None:
            return
        address, parameters = cga.generate(self._keys.public_key, prefix, self._modifier, SEC)
        self.authorizer.own(address, parameters)
        optimistic = get_sysctl(f"net/ipv6/conf/{self._interface}/optimistic_dad") == "1"
        with Netlink() as netlink:
            netlink.add_address(
                self._interface,
                IPv6Interface((address, prefix.prefixlen)),
                optimistic=optimistic,
            )
