"""The MLD messages that are due on the links of a proxy."""

from __future__ import annotations

from collections.abc import Iterator

from agents.core import Action, Log
from agents.multicast.actions import SendMld
from agents.multicast.attachments import Attachments
from agents.multicast.links import Links
from agents.wire.mld import ALL_MLDV2_ROUTERS, ALL_NODES, UNSPECIFIED, MulticastListenerQuery


def reports(links: Links, now: int) -> Iterator[Action]:
    """What the upstreams are told."""
    for upstream, host in links.reporting(now):
        for report in host.timer(now):
            yield SendMld(report, upstream, ALL_MLDV2_ROUTERS)
            groups = sorted({str(record.group) for record in report.records})
            yield Log("report_sent", {"link": upstream, "groups": groups})


def queries(links: Links, attachments: Attachments, now: int) -> Iterator[Action]:
    """What the downstream links are asked, and who came to them."""
    for name, router in links.querying(now):
        for query in router.querier.timer(now, router.listeners.departing):
            yield from _query(query, name, None)
    for attachment in attachments.due(now):
        query = links.downstreams[attachment.link].querier.general_query()
        yield from _query(query, attachment.link, attachment.link_layer)


def _query(query: MulticastListenerQuery, link: str, link_layer: bytes | None) -> Iterator[Action]:
    general = query.group == UNSPECIFIED
    yield SendMld(query, link, ALL_NODES if general else query.group, link_layer)
    yield Log("query_sent", {"link": link, "group": None if general else str(query.group)})
