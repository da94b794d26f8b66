"""What each host listens to: what it reported, and what is known without a report of its own."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address

from agents.core import Action, Log, refused
from agents.multicast.config import ProxyConfig
from agents.multicast.follow_up import FollowUp
from agents.multicast.handing_over import HandingOver
from agents.multicast.instances import Instances
from agents.multicast.links import Link, Links
from agents.multicast.records import (
    ANY_SOURCE,
    Report,
    records_of_interest,
    wants_any_source_wrongly,
)
from agents.wire.mld import AddressRecord, MulticastListenerReport


class Tracking:
    """Gives records to the listeners of a link, and has the instances serve who listens."""

    def __init__(
        self,
        config: ProxyConfig,
        links: Links,
        instances: Instances,
        handing_over: HandingOver,
        follow_up: FollowUp,
    ) -> None:
        self._config = config
        self._links = links
        self._instances = instances
        self._handing_over = handing_over
        self._follow_up = follow_up

    def reported(self, message: Report, host: IPv6Address, at: Link, now: int) -> list[Action]:
        """A report of a host, or of another router at the end of a tunnel, came in."""
        records = records_of_interest(message)
        # MLDv1 hosts suppress their reports when they hear another's: they are not all known.
        ask = not (self._config.explicit_tracking and isinstance(message, MulticastListenerReport))
        expiry = now + self._config.listener_interval
        groups = [str(record.group) for record in records]
        fields = {"link": at.name, "host": str(host), "groups": groups}
        actions: list[Action] = [Log("report_received", fields)]
        for record in records:
            if self._handing_over.is_handed(record.group, host, at.name):
                continue
            actions += self._report(record, host, at.name, now, expiry, ask=ask)
            if at.is_tunnel:
                self._instances.lingering.told(record)
                self._handing_over.told(at.name, record)
        return actions + self._follow_up.finish_changes(now)

    def listens(
        self,
        records: Iterable[AddressRecord],
        host: IPv6Address,
        link: str,
        now: int,
        expiry: int,
    ) -> list[Action]:
        """A host is known to listen to these, without a report of its own."""
        actions: list[Action] = []
        for record in records:
            actions += self._report(record, host, link, now, expiry)
        return [*actions, *self._follow_up.finish(now)]

    def _report(
        self,
        record: AddressRecord,
        host: IPv6Address,
        link: str,
        now: int,
        expiry: int,
        *,
        ask: bool = True,
    ) -> list[Action]:
        """Act on a host's record, or on what another router says about it."""
        if wants_any_source_wrongly(record):
            return [refused(host, record.group, ANY_SOURCE)]
        router = self._links.router_part(link)
        ask, refusal = router.listeners.report(record, host, now, expiry, ask=ask)
        if ask:
            router.querier.last_listener(record.group, now)
        actions = [*self._instances.reported(link, record.group, host, now)]
        return [*actions, refused(host, record.group, *refusal)] if refusal else actions
