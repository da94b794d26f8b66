"""Every type of TLV in an MIH message, and how its value is read (IEEE 802.21-2008 table L.2).

Unknown types are skipped.
"""

from __future__ import annotations

from agents.wire import mih_links as links
from agents.wire import mih_values as values
from agents.wire.errors import MalformedPacket
from agents.wire.mih_layouts import Reader
from agents.wire.mih_values import Value

_KNOWN: dict[int, type[Value]] = {
    kind.TYPE: kind
    for kind in (
        values.SourceMihf,
        values.DestinationMihf,
        values.MobileNodeMihf,
        values.Status,
        values.LinkType,
        values.TimeInterval,
        values.LinkGoingDownReason,
        values.HandoverStatus,
        values.ResourceStatus,
        values.QueryResourceReportFlag,
        links.OldAccessRouter,
        links.NewAccessRouter,
        links.PointOfAttachment,
        links.LinkIdentifier,
        links.MobileNodeLink,
        links.CandidateLinks,
        links.PreferredLinks,
        values.ResourceQuery,
        values.AssignedResources,
        values.RequestedResources,
        links.TargetNetworks,
        links.LinkActions,
        links.LinkActionResults,
        values.PreviousRouters,
    )
}


def decode_value(kind: int, data: bytes) -> Value | None:
    """The value of a TLV; None for a type that is not known."""
    if kind not in _KNOWN:
        return None
    reader = Reader(data)
    value = _KNOWN[kind].decode(reader)
    if not reader.at_end:
        raise MalformedPacket(f"MIH value of type {kind} with something behind it")
    return value
