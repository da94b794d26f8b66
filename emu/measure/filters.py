"""Classic BPF filters, assembled here: what a packet socket lets through.

A program is written as a list of ``Instruction`` whose jump targets are labels; ``assemble``
resolves them. The kernel only knows forward jumps, so header chains are unrolled.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from agents.kernel.socket_filter import Program
from agents.wire import mih

_LD_H, _LD_B, _LD_IMM, _LD_MEM, _LD_B_IND = 0x28, 0x30, 0x00, 0x60, 0x50
_LD_H_IND = 0x48
_ST, _TAX, _TXA = 0x02, 0x07, 0x87
_ADD, _ADD_X, _SHL, _AND = 0x04, 0x0C, 0x64, 0x54
_JA, _JEQ, _JGE = 0x05, 0x15, 0x35
_RET = 0x06

ETHERNET_HEADER = 14
_ETHERTYPE_IPV6 = 0x86DD
_IPV6_HEADER = 40
_HOP_BY_HOP, _ROUTING, _DESTINATION_OPTIONS = 0, 43, 60
_TCP, _UDP, _IPV6, _ICMPV6, _SCTP, _MOBILITY = 6, 17, 41, 58, 132, 135
_HEADERS = 5
_WHOLE = 0x40000
_DESTINATION = 24
_MULTICAST, _LINK_LOCAL_SCOPE = 0xFF, 2
_PACKET_TYPE, _OUTGOING = 0xFFFFF004, 4
"""Not a byte of the packet, but its direction: SKF_AD_OFF + SKF_AD_PKTTYPE, PACKET_OUTGOING."""
DATA_HEADERS = 160
"""So many bytes of a user's packet are kept: a link header, two IPv6 headers, and what tells one
packet from the next."""
OVERLAY_HEADERS = 256
"""So many of a datagram between members of an overlay: a channel's packet begins within."""


class Instruction(NamedTuple):
    """One instruction; ``yes``/``no`` are labels (empty: the next instruction)."""

    code: int
    k: int = 0
    yes: str = ""
    no: str = ""
    label: str = ""


def assemble(program: list[Instruction]) -> Program:
    """The program with its labels turned into distances."""
    where = {i.label: at for at, i in enumerate(program) if i.label}

    def distance(label: str, at: int) -> int:
        return where[label] - at - 1 if label else 0

    return tuple(
        (i.code, 0, 0, distance(i.yes, at))
        if i.code == _JA
        else (i.code, distance(i.yes, at), distance(i.no, at), i.k)
        for at, i in enumerate(program)
    )


def control(
    link_header: int,
    *,
    data: bool = False,
    udp: tuple[int, int] | None = None,
    tcp: int | None = None,
    overlay: int | None = None,
    signalling: Collection[int] = (),
) -> Program:
    """MLD, Neighbour Discovery, Mobility Header, SCTP and MIH packets, also in IPv6-in-IPv6.

    ``link_header`` is the bytes before the IPv6 header: 14 on Ethernet, 0 on a tunnel device.
    ``data`` adds the first ``DATA_HEADERS`` bytes of channels' packets, and of packets in tunnels
    where these begin (of channels' also where they end). ``udp`` adds UDP packets to one of the
    ports from the first of the two to the last, whole; ``tcp`` the first ``DATA_HEADERS`` bytes of
    TCP packets from or to a port, ``overlay`` the first ``OVERLAY_HEADERS`` of UDP packets to one,
    ``signalling`` UDP packets to some more ports, whole.
    """
    code: list[Instruction] = []
    if link_header == ETHERNET_HEADER:
        code += [Instruction(_LD_H, 12), Instruction(_JEQ, _ETHERTYPE_IPV6, "ipv6", "none")]
    code += [
        Instruction(_LD_IMM, link_header + _IPV6_HEADER, label="ipv6"),
        Instruction(_TAX),
        Instruction(_LD_B, link_header + 6),
    ]
    for level in range(_HEADERS):
        code += _header(level, udp, tcp, overlay, signalling)
    code.append(Instruction(_JA, yes="other", label=f"h{_HEADERS}"))
    code += _data(link_header) if data else [Instruction(_RET, 0, label="other")]
    return assemble([*code, Instruction(_RET, 0, label="none")])


def _data(link_header: int) -> list[Instruction]:
    """Users' packets, when the chain of headers has led to no control message."""
    destination = link_header + _DESTINATION
    return [
        Instruction(_LD_B, link_header + 6, label="other"),
        Instruction(_JEQ, _IPV6, "tunnel"),
        Instruction(_LD_B, destination),
        Instruction(_JEQ, _MULTICAST, "", "none"),
        Instruction(_LD_B, destination + 1),
        Instruction(_AND, 0x0F),
        Instruction(_JGE, _LINK_LOCAL_SCOPE + 1, "headers", "none"),
        Instruction(_LD_B, _PACKET_TYPE, label="tunnel"),
        Instruction(_JEQ, _OUTGOING, "headers"),
        Instruction(_LD_B, destination + _IPV6_HEADER),
        Instruction(_JEQ, _MULTICAST, "headers", "none"),
        Instruction(_RET, DATA_HEADERS, label="headers"),
    ]


def _header(
    level: int,
    ports: tuple[int, int] | None,
    tcp: int | None,
    overlay: int | None,
    signalling: Collection[int],
) -> list[Instruction]:
    """One header of the chain: A holds its number, X its offset, both afterwards for the next."""
    names = ("option", "inner", "icmp", "udp", "tcp", "some", "part", "no", "yes", "h")
    option, inner, icmp, udp, tcp_, some, part, no, yes, following = (
        f"{name}{level}" for name in names
    )
    after = f"h{level + 1}"
    others = []
    if ports is not None:
        others = [Instruction(_JGE, ports[1] + 1, no), Instruction(_JGE, ports[0], yes)]
    members = []
    if overlay is not None:
        members = [Instruction(_JEQ, overlay, part)]
    web = []
    if tcp is not None:
        web = [
            Instruction(_LD_H_IND, 0, label=tcp_),
            Instruction(_JEQ, tcp, some),
            Instruction(_LD_H_IND, 2),
            Instruction(_JEQ, tcp, some, no),
            Instruction(_RET, DATA_HEADERS, label=some),
        ]
    return [
        Instruction(_JEQ, _MOBILITY, yes, label=following),
        *([Instruction(_JEQ, _TCP, tcp_)] if web else []),
        Instruction(_JEQ, _SCTP, yes),
        Instruction(_JEQ, _ICMPV6, icmp),
        Instruction(_JEQ, _UDP, udp),
        Instruction(_JEQ, _IPV6, inner),
        Instruction(_JEQ, _HOP_BY_HOP, option),
        Instruction(_JEQ, _DESTINATION_OPTIONS, option),
        Instruction(_JEQ, _ROUTING, option, no),
        Instruction(_LD_H_IND, 2, label=udp),
        *(Instruction(_JEQ, port, yes) for port in (mih.PORT, *signalling)),
        *members,
        *others,
        Instruction(_JA, yes=no),
        *web,
        Instruction(_LD_B_IND, 0, label=icmp),
        # MLD query, report, done; RS, RA, NS, NA, redirect are 130 to 137, the MLDv2 report is 143.
        Instruction(_JEQ, 143, yes),
        Instruction(_JGE, 138, no),
        Instruction(_JGE, 130, yes, no),
        Instruction(_JA, yes="other", label=no),
        *([Instruction(_RET, OVERLAY_HEADERS, label=part)] if members else []),
        Instruction(_RET, _WHOLE, label=yes),
        Instruction(_LD_B_IND, 6, label=inner),
        Instruction(_ST, 0),
        Instruction(_TXA),
        Instruction(_ADD, _IPV6_HEADER),
        Instruction(_TAX),
        Instruction(_LD_MEM, 0),
        Instruction(_JA, yes=after),
        Instruction(_LD_B_IND, 0, label=option),
        Instruction(_ST, 0),
        Instruction(_LD_B_IND, 1),
        Instruction(_ADD, 1),
        Instruction(_SHL, 3),
        Instruction(_ADD_X),
        Instruction(_TAX),
        Instruction(_LD_MEM, 0),
    ]


def transport_port(protocol: int, port: int, snap: int) -> Program:
    """IPv6 packets (no link header) of one transport protocol with a port at either end."""
    code = [
        Instruction(_LD_B, 6),
        Instruction(_JEQ, protocol, "", "no"),
        Instruction(_LD_H, _IPV6_HEADER),
        Instruction(_JEQ, port, "yes"),
        Instruction(_LD_H, _IPV6_HEADER + 2),
        Instruction(_JEQ, port, "yes", "no"),
        Instruction(_RET, snap, label="yes"),
        Instruction(_RET, 0, label="no"),
    ]
    return assemble(code)
