"""Hypothesis strategies for every message of agents.wire, and addresses that the tests share."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from hypothesis import strategies as st

from agents.wire import (
    channel,
    cxtp,
    fast_handover,
    ipv6,
    mld,
    mobility,
    ndp,
    sctp,
    sctp_authentication,
)
from agents.wire import mobility_options as options
from agents.wire import (
    sctp_chunks as chunks,
)
from agents.wire.heartbeat import HeartbeatFlag

MAR = IPv6Address("2001:db8:ffff::1")
CMD = IPv6Address("2001:db8:ffff::2")

addresses = (
    st.binary(min_size=16, max_size=16).map(IPv6Address).filter(lambda a: a.ipv4_mapped is None)
)
octet = st.integers(0, 0xFF)
short = st.integers(0, 0xFFFF)
long = st.integers(0, 0xFFFFFFFF)
word = st.integers(0, 0xFFFFFFFF)
ethernet = st.binary(min_size=6, max_size=6)
eight_octets = st.binary(min_size=8, max_size=8)
link_layer = st.binary(max_size=16)
lifetimes = st.integers(0, 0xFFFF).map(lambda units: 4 * units)
networks = st.builds(
    lambda address, length: IPv6Network((address, length), strict=False),
    addresses,
    st.integers(0, 128),
)
source_lists = st.lists(addresses, max_size=5).map(tuple)
address_records = st.builds(
    mld.AddressRecord, st.sampled_from(mld.RecordType), addresses, source_lists
)
identifiers = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)

mobility_option = st.one_of(
    st.builds(options.AlternateCareOfAddress, addresses),
    st.builds(options.NonceIndices, short, short),
    st.builds(options.BindingAuthorizationData, st.binary(min_size=12, max_size=12)),
    st.builds(options.MobileNodeIdentifier, identifiers),
    st.builds(options.CgaParameters, st.binary(max_size=255)),
    st.builds(options.Signature, st.binary(max_size=255)),
    st.builds(options.PermanentHomeKeygenToken, st.binary(max_size=255)),
    st.builds(options.HomeNetworkPrefix, networks),
    st.builds(options.HandoffIndicator, octet),
    st.builds(options.AccessTechnologyType, octet),
    st.builds(options.MobileNodeLinkLayerIdentifier, link_layer),
    st.builds(options.LinkLocalAddress, addresses),
    st.builds(options.Timestamp, st.integers(0, (1 << 48) * 10**9 - 1)),
    st.builds(options.ActiveMulticastSubscription, address_records),
    st.builds(
        lambda code, words: options.MulticastMobility(code, b"".join(words)),
        octet,
        st.lists(st.binary(min_size=4, max_size=4), max_size=60),
    ),
    st.builds(
        lambda status, words: options.MulticastAcknowledgement(status, b"".join(words)),
        octet,
        st.lists(st.binary(min_size=4, max_size=4), max_size=60),
    ),
    st.builds(options.AnchoredPrefix, networks),
    st.builds(options.LocalPrefix, networks),
    st.builds(options.PreviousMaar, addresses, networks),
    st.builds(options.ServingMaar, addresses),
    st.builds(options.DlifLinkLocalAddress, addresses),
    st.builds(options.DlifLinkLayerAddress, link_layer),
    st.builds(options.VendorSpecific, octet, st.binary(max_size=40), long),
    st.builds(options.RestartCounter, long),
    st.builds(
        options.ContextRequest.of,
        st.lists(
            st.sampled_from(
                [
                    options.HomeNetworkPrefix,
                    options.MobileNodeLinkLayerIdentifier,
                    options.LocalMobilityAnchorAddress,
                ]
            ),
            max_size=6,
        ),
    ),
    st.builds(options.LocalMobilityAnchorAddress, addresses | st.ip_addresses(v=4)),
    st.builds(options.MobileNodeInterfaceIdentifier, eight_octets),
    st.builds(
        options.UnknownOption,
        st.sampled_from(sorted(set(range(2, 256)) - set(options.KNOWN_OPTIONS))),
        st.binary(max_size=40),
    ),
)
option_lists = st.lists(mobility_option, max_size=6).map(tuple)


def flags(kind):
    """Any combination of an IntFlag's members."""
    return st.integers(0, 0xFFFF).map(lambda bits: kind(bits & sum(kind)))


mobility_message = st.one_of(
    st.builds(
        mobility.BindingUpdate, short, lifetimes, flags(mobility.BindingUpdateFlag), option_lists
    ),
    st.builds(
        mobility.BindingAcknowledgement,
        octet,
        short,
        lifetimes,
        flags(mobility.BindingAcknowledgementFlag),
        option_lists,
    ),
    st.builds(mobility.BindingRefreshRequest, option_lists),
    st.builds(mobility.BindingError, octet, addresses, option_lists),
    st.builds(mobility.HomeTestInit, eight_octets, option_lists),
    st.builds(mobility.CareOfTestInit, eight_octets, option_lists),
    st.builds(mobility.HomeTest, short, eight_octets, eight_octets, option_lists),
    st.builds(mobility.CareOfTest, short, eight_octets, eight_octets, option_lists),
    st.builds(mobility.Heartbeat, long, flags(HeartbeatFlag), option_lists),
)

handover_message = st.one_of(
    st.builds(
        fast_handover.HandoverInitiate,
        short,
        flags(fast_handover.InitiateFlag),
        octet,
        option_lists,
    ),
    st.builds(
        fast_handover.HandoverAcknowledge,
        short,
        flags(fast_handover.AcknowledgeFlag),
        octet,
        option_lists,
    ),
)

groups = st.binary(min_size=15, max_size=15).map(lambda rest: IPv6Address(b"\xff" + rest))
channel_sources = st.none() | addresses.filter(lambda address: address != IPv6Address("::"))

channel_message = st.one_of(
    st.builds(channel.ChannelQuery, short, channel_sources, groups, short, st.none() | identifiers),
    st.builds(
        channel.ChannelResponse,
        short,
        channel_sources,
        groups,
        st.sampled_from(channel.ChannelScope),
        st.booleans(),
        st.booleans(),
    ),
    st.builds(channel.ChannelAcknowledgement, short),
)

mld_message = st.one_of(
    st.builds(
        mld.MulticastListenerQuery,
        addresses,
        st.integers(0, 8_387_584),
        source_lists,
        st.booleans(),
        st.integers(0, 20),
        st.integers(0, 31_744),
    ),
    st.builds(mld.MulticastListenerQuery, addresses, short, version=st.just(1)),
    st.builds(
        mld.MulticastListenerReport,
        st.lists(address_records, max_size=5).map(tuple),
    ),
    st.builds(mld.ListenerReportV1, addresses),
    st.builds(mld.ListenerDoneV1, addresses),
)


def prefix_of_router(
    network: IPv6Network, address: IPv6Address, valid: int, preferred: int
) -> ndp.PrefixInformation:
    """A prefix with the router's address in it."""
    router = IPv6Address(int(network.network_address) | int(address) & int(network.hostmask))
    return ndp.PrefixInformation(network, valid, preferred, False, False, router)


ndp_message = st.one_of(
    st.builds(
        ndp.RouterAdvertisement,
        octet,
        short,
        st.lists(
            st.builds(ndp.PrefixInformation, networks, word, word, st.booleans(), st.booleans())
            | st.builds(prefix_of_router, networks, addresses, word, word),
            max_size=4,
        ).map(tuple),
        st.none() | ethernet,
        st.none() | word,
        st.booleans(),
        st.lists(
            st.builds(
                ndp.MapOption,
                addresses,
                word,
                st.integers(1, 15),
                st.integers(0, 15),
                st.booleans(),
            ),
            max_size=3,
        ).map(tuple),
    ),
    st.builds(ndp.RouterSolicitation, st.none() | ethernet),
)


def with_checksum(data: bytes, next_header: int, source=MAR, destination=CMD) -> bytes:
    """The octets with the checksum of ``next_header`` made right, as an attacker would."""
    offset = 4 if next_header == ipv6.MOBILITY else 2
    if len(data) < offset + 2:
        return data
    cleared = data[:offset] + b"\x00\x00" + data[offset + 2 :]
    value = ipv6.checksum(source, destination, next_header, cleared)
    return data[:offset] + value.to_bytes(2, "big") + data[offset + 2 :]


context_records = st.lists(
    st.builds(
        mld.AddressRecord,
        st.sampled_from([mld.RecordType.MODE_IS_INCLUDE, mld.RecordType.MODE_IS_EXCLUDE]),
        addresses,
        source_lists,
    ),
    max_size=5,
).map(tuple)
context_message = st.one_of(
    st.builds(cxtp.ContextRequest, addresses, word, word, st.lists(short, max_size=3).map(tuple)),
    st.builds(
        cxtp.ContextData,
        *(addresses, context_records, word, st.booleans()),
        st.none() | st.binary(max_size=20),
    ),
    st.builds(cxtp.ContextReply, addresses, st.booleans()),
    st.builds(cxtp.ContextCancel, addresses),
)

octets = st.binary(max_size=60)
some_octets = st.binary(min_size=1, max_size=60)
window = st.integers(1500, 0xFFFFFFFF)
key_vector = st.just(b"") | st.binary(min_size=32, max_size=32).map(sctp_authentication.key_vector)
sctp_chunk = st.one_of(
    st.builds(chunks.Init, word, window, word, key_vector),
    st.builds(chunks.InitAck, word, window, word, octets, key_vector),
    st.builds(chunks.Error, octets),
    st.builds(chunks.CookieEcho, octets),
    st.builds(chunks.CookieAck),
    st.builds(chunks.Data, word, short, some_octets, short, word, st.booleans()),
    st.builds(chunks.Sack, word, word, st.lists(st.tuples(short, short), max_size=4).map(tuple)),
    st.builds(chunks.Heartbeat, octets),
    st.builds(chunks.HeartbeatAck, octets),
    st.builds(chunks.Shutdown, word),
    st.builds(chunks.ShutdownAck),
    st.builds(chunks.ShutdownComplete, st.booleans()),
    st.builds(chunks.Abort, st.booleans()),
)
authentication = st.lists(st.builds(chunks.Authentication, short, short, octets), max_size=1)
some_chunks = st.lists(sctp_chunk, max_size=3)
sctp_chunks = st.tuples(some_chunks, authentication, some_chunks).map(
    lambda parts: tuple(chunk for part in parts for chunk in part)
)
sctp_packet = st.builds(sctp.Packet, short, short, word, sctp_chunks)


@st.composite
def spoilt(draw, messages, longest):
    """Any octets, or those of a message: cut off somewhere, and up to three of them changed."""
    data = draw(st.one_of(st.binary(max_size=longest), messages))
    changed = bytearray(data[: draw(st.integers(0, len(data)))])
    for _ in range(draw(st.integers(0, 3))):
        if changed:
            changed[draw(st.integers(0, len(changed) - 1))] = draw(octet)
    return bytes(changed)
