"""Links, addresses, routes and rules of the network namespace that the caller is in.

Every refusal of the kernel is an OSError that carries the kernel's explanation. Removing what is
not there (any more) is no error: a route leaves with its device, whoever comes first.
"""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Interface, IPv6Network
from pathlib import Path
from types import TracebackType
from typing import Any

from pyroute2.netlink import NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, rtnl
from pyroute2.netlink.rtnl.ifaddrmsg import IFA_F_NODAD, IFA_F_NOPREFIXROUTE, IFA_F_OPTIMISTIC
from pyroute2.netlink.rtnl.ifinfmsg import IFF_MULTICAST, IFF_RUNNING, IFF_UP

from agents.kernel import requests, rules
from agents.kernel.netlink_socket import NetlinkSocket

MAIN_TABLE = 254
_DEFAULT_METRIC = 1024
_LAST_METRIC = 0xFFFFFFFF
_FOREVER = 0xFFFFFFFF
_ABSENT = frozenset({errno.ESRCH, errno.ENOENT, errno.EADDRNOTAVAIL, errno.ENODEV})


@dataclass(frozen=True)
class RouteLookup:
    """The kernel's answer to "how would a packet to this destination leave?"."""

    device: str
    via: IPv6Address | None
    source: IPv6Address | None


def set_sysctl(path: str, value: int | str) -> None:
    """Write a sysctl of this network namespace, e.g. ``net/ipv6/conf/all/forwarding``."""
    Path("/proc/sys", path).write_text(str(value), encoding="utf-8")


def get_sysctl(path: str) -> str:
    """Read a sysctl of this network namespace."""
    return Path("/proc/sys", path).read_text(encoding="utf-8").strip()


def link_layer_address(message: Any) -> bytes:
    """What a message about a link says of its link-layer address; empty for tunnels."""
    text = message.get_attr("IFLA_ADDRESS") or ""
    return bytes.fromhex(text.replace(":", ""))


class Netlink:
    """The kernel's network configuration; stays with the namespace it was created in."""

    def __init__(self) -> None:
        self.rtnetlink = NetlinkSocket()

    def __enter__(self) -> Netlink:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the netlink socket."""
        self.rtnetlink.close()

    # Links

    def index(self, name: str) -> int:
        """The interface index of a link; OSError when there is none of this name."""
        try:
            return socket.if_nametoindex(name)
        except OSError as error:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), name) from error

    def add_link(self, name: str, kind: str, data: bytes = b"") -> int:
        """Create a link and return its index; ``data`` are its kind's own attributes."""
        message = requests.new_link(name, kind, data)
        self.rtnetlink.request(rtnl.RTM_NEWLINK, message, NLM_F_CREATE | NLM_F_EXCL)
        return self.index(name)

    def delete_link(self, name: str) -> None:
        """Delete a link and all that hangs on it."""
        try:
            message = self._link(name)
        except OSError:
            return
        self._remove(rtnl.RTM_DELLINK, message)

    def up(self, name: str) -> None:
        """Set a link administratively up."""
        self._set_link(name, flags=IFF_UP, change=IFF_UP)

    def down(self, name: str) -> None:
        """Set a link administratively down."""
        self._set_link(name, flags=0, change=IFF_UP)

    def enable_multicast(self, name: str) -> None:
        """Mark a link as able to carry multicast (ip6tnl devices begin without)."""
        self._set_link(name, flags=IFF_MULTICAST, change=IFF_MULTICAST)

    def set_mtu(self, name: str, mtu: int) -> None:
        """Set a link's MTU in bytes."""
        self._set_link(name, attributes=requests.mtu(mtu))

    def disable_address_generation(self, name: str) -> None:
        """Keep the kernel from giving the link a link-local address of its own choice."""
        self._set_link(name, attributes=requests.no_address_generation())

    def operational(self, name: str) -> bool:
        """Whether the kernel sends by the link: it begins a moment after the carrier came.

        What is sent in that moment is lost without an error.
        """
        return self._has_flag(name, IFF_RUNNING)

    def link_layer_address(self, name: str) -> bytes:
        """The link-layer address of a link; empty for tunnels."""
        return link_layer_address(self.rtnetlink.request(rtnl.RTM_GETLINK, self._link(name))[0])

    # Addresses

    def addresses(self, name: str) -> list[IPv6Interface]:
        """The IPv6 addresses of a link with their prefix lengths."""
        return [
            IPv6Interface((message.get_attr("IFA_ADDRESS"), message["prefixlen"]))
            for message in self.address_messages(name)
        ]

    def address_messages(self, name: str) -> list[Any]:
        """The kernel's message about each IPv6 address of a link."""
        index = self.index(name)
        answers = self.rtnetlink.request(rtnl.RTM_GETADDR, requests.all_addresses(), NLM_F_DUMP)
        return [answer for answer in answers if answer["index"] == index]

    def add_address(
        self,
        name: str,
        address: IPv6Interface | str,
        *,
        nodad: bool = False,
        optimistic: bool = False,
        valid: int = _FOREVER,
        preferred: int = _FOREVER,
    ) -> None:
        """Add an address, or take it over if it is there, valid and preferred for so many s.

        ``nodad`` spares detection and delay; ``optimistic`` the delay (RFC 4429).
        """
        flags = IFA_F_NODAD * nodad | IFA_F_OPTIMISTIC * optimistic
        self._set_lifetimes(name, IPv6Interface(address), flags, preferred=preferred, valid=valid)

    def keep_address(self, name: str, address: IPv6Address) -> None:
        """Have an address outlive its prefix on the link.

        It is deprecated, never detected as a duplicate again, and says nothing about the link.
        """
        flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE
        interface = IPv6Interface((address, 64))
        self._set_lifetimes(name, interface, flags, preferred=0, valid=_FOREVER)

    def renew_address(self, name: str, address: IPv6Address, valid: int, *, preferred: int) -> None:
        """Have an address valid and preferred for so many s, and its prefix on the link."""
        self.add_address(
            name, IPv6Interface((address, 64)), nodad=True, valid=valid, preferred=preferred
        )

    def _set_lifetimes(
        self, name: str, address: IPv6Interface, flags: int, *, preferred: int, valid: int
    ) -> None:
        message = requests.ip_address(self.index(name), address, flags, (preferred, valid))
        self.rtnetlink.request(rtnl.RTM_NEWADDR, message, NLM_F_CREATE | NLM_F_REPLACE)

    def remove_address(self, name: str, address: IPv6Interface | str) -> None:
        """Remove an address from a link."""
        try:
            message = requests.ip_address(self.index(name), IPv6Interface(address))
        except OSError:
            return
        self._remove(rtnl.RTM_DELADDR, message)

    # Neighbours, routes and rules

    def note_neighbour(self, name: str, host: IPv6Address, link_layer_address: bytes) -> None:
        """Know where on a link a host is, if it is: the first packet to it need not ask."""
        message = requests.neighbour(self.index(name), host, link_layer_address)
        self.rtnetlink.request(rtnl.RTM_NEWNEIGH, message, NLM_F_CREATE | NLM_F_REPLACE)

    def route_lookup(
        self, destination: IPv6Address, source: IPv6Address | None = None
    ) -> RouteLookup:
        """Ask the kernel how it would send to this destination, if from that address."""
        message = requests.lookup(destination, source)
        answer = self.rtnetlink.request(rtnl.RTM_GETROUTE, message)[0]
        via, source = answer.get_attr("RTA_GATEWAY"), answer.get_attr("RTA_PREFSRC")
        return RouteLookup(
            socket.if_indextoname(answer.get_attr("RTA_OIF")),
            IPv6Address(via) if via else None,
            IPv6Address(source) if source else None,
        )

    def route_replace(
        self,
        prefix: IPv6Network,
        *,
        oif: str | None = None,
        via: IPv6Address | None = None,
        source: IPv6Address | None = None,
        table: int = MAIN_TABLE,
    ) -> None:
        """Install a route by device, next hop or both, in the place of an earlier one, if any.

        ``source`` is the preferred source address of the node's own packets.
        """
        output = None if oif is None else self.index(oif)
        message = requests.route(
            prefix, table, _DEFAULT_METRIC, output=output, via=via, source=source
        )
        self.rtnetlink.request(rtnl.RTM_NEWROUTE, message, NLM_F_CREATE | NLM_F_REPLACE)

    def last_route(self, prefix: IPv6Network, *, oif: str, table: int) -> None:
        """Install the route that packets to the prefix take where there is no other."""
        message = requests.route(prefix, table, _LAST_METRIC, output=self.index(oif))
        self.rtnetlink.request(rtnl.RTM_NEWROUTE, message, NLM_F_CREATE | NLM_F_REPLACE)

    def last_route_delete(self, prefix: IPv6Network, *, table: int) -> None:
        """Take back ``last_route``."""
        message = requests.any_route(prefix, table, _LAST_METRIC)
        self._remove(rtnl.RTM_DELROUTE, message)

    def route_delete(
        self, prefix: IPv6Network, *, table: int = MAIN_TABLE, via: IPv6Address | None = None
    ) -> None:
        """Delete the route that ``route_replace`` installed for this prefix and table.

        ``via`` chooses among routes that the kernel has learnt for one prefix.
        """
        message = requests.any_route(prefix, table, _DEFAULT_METRIC, via)
        self._remove(rtnl.RTM_DELROUTE, message)

    def routes(self, name: str) -> list[IPv6Network]:
        """The prefixes that ``route_replace`` has routed to a link, in the main table."""
        index = self.index(name)
        answers = self.rtnetlink.request(rtnl.RTM_GETROUTE, requests.all_routes(), NLM_F_DUMP)
        return [
            IPv6Network((answer.get_attr("RTA_DST") or "::", answer["dst_len"]))
            for answer in answers
            if answer.get_attr("RTA_OIF") == index
            and answer.get_attr("RTA_TABLE") == MAIN_TABLE
            and answer["proto"] == requests.PROTOCOL_STATIC
        ]

    def rule_add(
        self, source: IPv6Network, *, iif: str | None = None, table: int | None, priority: int
    ) -> None:
        """Look up packets from ``source`` (that came in by ``iif``) in ``table``; None: drop them.

        What is for this node itself, or multicast, no rule drops: the table of those comes first.
        """
        self._add_rule(rules.rule(source, iif, table, priority))

    def rule_add_longer_routes(self, length: int, *, iif: str, table: int, priority: int) -> None:
        """Look up what came in by ``iif`` in ``table``, but find prefixes longer than this only."""
        self._add_rule(rules.longer_routes(length, iif, table, priority))

    def rule_delete(
        self, source: IPv6Network, *, iif: str | None = None, table: int | None, priority: int
    ) -> None:
        """Delete the rule that ``rule_add`` made of the same arguments."""
        self._remove(rtnl.RTM_DELRULE, rules.rule(source, iif, table, priority))

    def rule_add_unmarked(
        self,
        destination: IPv6Address,
        source: IPv6Address | None = None,
        *,
        table: int,
        priority: int,
    ) -> None:
        """Look up packets to an address (from one) in ``table``, but not those with SO_MARK."""
        self._add_rule(rules.unmarked(destination, source, table, priority))

    def rule_delete_unmarked(
        self,
        destination: IPv6Address,
        source: IPv6Address | None = None,
        *,
        table: int,
        priority: int,
    ) -> None:
        """Delete the rule that ``rule_add_unmarked`` made of the same arguments."""
        self._remove(rtnl.RTM_DELRULE, rules.unmarked(destination, source, table, priority))

    def take_marked(self, mark: int, *, table: int, priority: int) -> None:
        """Have packets with a mark come to this host, whomever they are for."""
        message = requests.local_route(IPv6Network("::/0"), table, self.index("lo"))
        self.rtnetlink.request(rtnl.RTM_NEWROUTE, message, NLM_F_CREATE | NLM_F_REPLACE)
        self._add_rule(rules.marked(mark, table, priority))

    def rules_delete(self, priority: int) -> None:
        """Delete every rule of this priority."""
        self._delete_rules(rules.of_priority(priority))

    def rules_delete_of(self, iif: str) -> None:
        """Delete every rule for what comes in by a link, even if that has gone."""
        self._delete_rules(rules.of_interface(iif))

    def _delete_rules(self, message: bytes) -> None:
        try:
            while True:
                self.rtnetlink.request(rtnl.RTM_DELRULE, message)
        except FileNotFoundError:
            return

    def _add_rule(self, message: bytes) -> None:
        try:
            self.rtnetlink.request(rtnl.RTM_NEWRULE, message, NLM_F_CREATE | NLM_F_EXCL)
        except FileExistsError:
            return

    def _remove(self, kind: int, message: bytes) -> None:
        try:
            self.rtnetlink.request(kind, message)
        except OSError as error:
            if error.errno not in _ABSENT:
                raise

    def _has_flag(self, name: str, flag: int) -> bool:
        answer = self.rtnetlink.request(rtnl.RTM_GETLINK, self._link(name))
        return bool(answer[0]["flags"] & flag)

    def _link(self, name: str) -> bytes:
        return requests.link(self.index(name))

    def _set_link(
        self, name: str, *, flags: int = 0, change: int = 0, attributes: bytes = b""
    ) -> None:
        message = requests.link(self.index(name), flags=flags, change=change) + attributes
        self.rtnetlink.request(rtnl.RTM_NEWLINK, message)
