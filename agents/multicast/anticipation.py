"""Hosts whose coming or going is known ahead (RFC 7411): served where they will be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address
from typing import Protocol

from agents.core import Action
from agents.multicast.attachments import Attachments
from agents.multicast.config import ProxyConfig
from agents.multicast.forwarding_entries import Forwarding
from agents.multicast.handing_over import HandingOver
from agents.multicast.links import Links
from agents.wire.mld import AddressRecord, RecordType


class Listens(Protocol):
    """Makes a host a listener until ``expiry`` (ns), without a report of its own."""

    def __call__(
        self,
        records: Iterable[AddressRecord],
        host: IPv6Address,
        link: str,
        now: int,
        expiry: int,
    ) -> list[Action]:
        """What that sets off, and what else is due."""


class Anticipation:
    """The part of a proxy that is told ahead. All calls are as those of the proxy."""

    def __init__(
        self,
        config: ProxyConfig,
        links: Links,
        attachments: Attachments,
        handing_over: HandingOver,
        forwarding: Forwarding,
        listens: Listens,
    ) -> None:
        self._config = config
        self._links = links
        self._attachments = attachments
        self._handing_over = handing_over
        self._forwarding = forwarding
        self._listens = listens

    def expected(
        self,
        host_link_local: IPv6Address,
        link: str,
        link_layer: bytes,
        previous_link: str,
        records: tuple[AddressRecord, ...],
        expiry: int,
        now: int,
    ) -> list[Action]:
        """A host will come, until ``expiry`` (ns), that listens to these at another router.

        It is served on ``link`` meanwhile, as if it was there, from the first packet on.
        """
        self._attachments.attach(host_link_local, link, now, link_layer)
        self._bind(host_link_local, link, previous_link, records)
        actions: list[Action] = []
        for group, source in channels_of(records):
            actions += self._forwarding.expect(source, group, now)
        return [*actions, *self._listens(records, host_link_local, link, now, expiry)]

    def arrived(
        self,
        host_link_local: IPv6Address,
        expected_on: str,
        link: str,
        previous_link: str,
        records: tuple[AddressRecord, ...],
        now: int,
    ) -> list[Action]:
        """A host that was expected is ``attached`` to a link: its traffic goes there from now on.

        It is to confirm what it listens to, as after ``MldProxy.context``.
        """
        self._bind(host_link_local, link, previous_link, records)
        if expected_on != link:
            self._forget(host_link_local, expected_on)
        expiry = now + self._config.newcomer_interval
        return self._listens(records, host_link_local, link, now, expiry)

    def not_expected(self, host_link_local: IPv6Address, link: str, now: int) -> list[Action]:
        """A host that was expected on a link will not come."""
        self._forget(host_link_local, link)
        return self._listens((), host_link_local, link, now, now)

    def leaving(self, host_link_local: IPv6Address, link: str, tunnel: str) -> None:
        """A host will go to the router at the other end of a tunnel.

        What that router asks for is not served on ``link`` to this host any more.
        """
        self._handing_over.begin(host_link_local, link, tunnel)

    def staying(self, host_link_local: IPv6Address, link: str, now: int) -> list[Action]:
        """It does not go: it is served as before."""
        records = self._handing_over.end(host_link_local, link)
        expiry = now + self._config.listener_interval
        return self._listens(records, host_link_local, link, now, expiry)

    def _bind(
        self,
        host: IPv6Address,
        link: str,
        previous_link: str,
        records: tuple[AddressRecord, ...],
    ) -> None:
        attachment = self._attachments.bind(host, link, previous_link)
        if attachment is not None:
            attachment.ongoing = groups_of(records)

    def _forget(self, host: IPv6Address, link: str) -> None:
        self._attachments.detach(host, link)
        self._links.downstreams[link].listeners.remove(host)


def channels_of(records: Iterable[AddressRecord]) -> Iterator[tuple[IPv6Address, IPv6Address]]:
    """Group and source of what a context wants from sources that it names."""
    for record in records:
        if record.type is RecordType.MODE_IS_INCLUDE:
            yield from ((record.group, source) for source in record.sources)


def groups_of(records: Iterable[AddressRecord]) -> frozenset[IPv6Address]:
    """The groups of a context."""
    return frozenset(record.group for record in records)
