"""Messages to nftables (netfilter's ``nf_tables``): tables, chains, sets, and rules of expressions.

Numbers are in network byte order, unlike those of routing's netlink. A batch is carried out as a
whole or not at all.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import Any

from pyroute2.netlink import (
    NETLINK_NETFILTER,
    NLM_F_ACK,
    NLM_F_APPEND,
    NLM_F_CREATE,
    NLM_F_DUMP,
)
from pyroute2.netlink.nfnetlink import NFNL_SUBSYS_NFTABLES
from pyroute2.netlink.nfnetlink.nftsocket import (
    NFT_MSG_DELSETELEM,
    NFT_MSG_DELTABLE,
    NFT_MSG_GETSETELEM,
    NFT_MSG_NEWCHAIN,
    NFT_MSG_NEWRULE,
    NFT_MSG_NEWSET,
    NFT_MSG_NEWSETELEM,
    NFT_MSG_NEWTABLE,
    nft_set_elem_list_msg,
)

from agents.kernel.attributes import attribute, nested, text
from agents.kernel.netlink_socket import NetlinkSocket, Request

_HEAD = struct.Struct("!BBH")
"""struct nfgenmsg: family, version, resource."""
_NUMBER = struct.Struct("!i")
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
_TABLE = 1
"""NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, NFTA_SET_TABLE, NFTA_SET_ELEM_LIST_TABLE."""
_CHAIN, _HOOK, _TYPE, _HOOK_NUMBER, _HOOK_PRIORITY, _HOOK_DEVICE = 3, 4, 7, 1, 2, 3
"""NFTA_CHAIN_NAME, _HOOK, _TYPE, NFTA_HOOK_HOOKNUM, _PRIORITY, _DEV."""
_RULE_CHAIN, _EXPRESSIONS, _ELEMENT, _NAME, _DATA = 2, 4, 1, 1, 2
"""NFTA_RULE_CHAIN, _EXPRESSIONS, NFTA_LIST_ELEM, NFTA_EXPR_NAME, _DATA."""
_SET, _KEY_TYPE, _KEY_LENGTH, _SET_ID, _ELEMENTS, _KEY, _VALUE = 2, 4, 5, 10, 3, 1, 1
"""NFTA_SET_NAME (also _SET_ELEM_LIST_SET), _KEY_TYPE, _KEY_LEN, _ID, NFTA_SET_ELEM_LIST_ELEMENTS,
NFTA_SET_ELEM_KEY, NFTA_DATA_VALUE."""
_SET_FLAGS, _DESCRIPTION, _SIZE, _TIMEOUT, _STATEFUL = 3, 9, 1, 11, 17
"""NFTA_SET_FLAGS, NFTA_SET_DESC, NFTA_SET_DESC_SIZE, NFTA_SET_TIMEOUT, NFTA_SET_EXPR."""
_WITH_TIMEOUT, _FROM_PACKETS = 0x10, 0x20
"""NFT_SET_TIMEOUT, NFT_SET_EVAL."""
_RATE, _UNIT, _BURST = 1, 2, 3
"""NFTA_LIMIT_RATE, _UNIT, _BURST."""
_VERDICT, _VERDICT_CODE, _VERDICT_CHAIN = 2, 1, 2
"""NFTA_DATA_VERDICT, NFTA_VERDICT_CODE, _CHAIN."""
_DROP, _ACCEPT, _JUMP, _GOTO, _RETURN = 0, 1, -3, -4, -5
"""NF_DROP, NF_ACCEPT, NFT_JUMP, NFT_GOTO, NFT_RETURN."""
_LINK_HEADER, _NETWORK_HEADER, _TRANSPORT_HEADER = 0, 1, 2
"""NFT_PAYLOAD_LL_HEADER, NFT_PAYLOAD_NETWORK_HEADER, NFT_PAYLOAD_TRANSPORT_HEADER."""
_MARK, _OUTPUT_LINK, _PROTOCOL, _ETHER_TYPE = 3, 5, 16, 1
"""NFT_META_MARK, NFT_META_OIF, NFT_META_L4PROTO, NFT_META_PROTOCOL."""
_REGISTER, _SECOND = 1, 10
"""NFT_REG_1, which takes what is loaded, and NFT_REG32_02, eight octets after its beginning."""
PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING, INGRESS = 0, 1, 2, 3, 4, 5
"""Hooks: NF_INET_PRE_ROUTING, _LOCAL_IN, _FORWARD, _LOCAL_OUT, _POST_ROUTING, and _INGRESS."""
_ELEMENT_LIST = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM
ANY_FAMILY = 1
"""NFPROTO_INET: the family whose chains may be at a link's ingress as well as at hooks of IP."""


def number(kind: int, value: int) -> bytes:
    """An attribute of 32 bits."""
    return attribute(kind, _NUMBER.pack(value))


class Table:
    """The messages about one table, of the family ``ip6`` or another."""

    def __init__(self, name: str, family: int = socket.AF_INET6) -> None:
        self._name = text(_TABLE, name)
        self._family = family

    def new(self) -> Request:
        """Make it, if it is not there."""
        return self._request(NFT_MSG_NEWTABLE, b"", NLM_F_CREATE)

    def delete(self) -> Request:
        """Delete it, with all that is in it."""
        return self._request(NFT_MSG_DELTABLE, b"")

    def chain(self, name: str, hook: int, priority: int, device: str | None = None) -> Request:
        """A chain of the kind ``filter`` at a hook; at the ingress it is that of a device."""
        where = b"" if device is None else text(_HOOK_DEVICE, device)
        place = nested(_HOOK, number(_HOOK_NUMBER, hook), number(_HOOK_PRIORITY, priority), where)
        body = text(_CHAIN, name) + place + text(_TYPE, "filter")
        return self._request(NFT_MSG_NEWCHAIN, body, NLM_F_CREATE)

    def part(self, name: str) -> Request:
        """Rules that others of the table jump to."""
        return self._request(NFT_MSG_NEWCHAIN, text(_CHAIN, name), NLM_F_CREATE)

    def rule(self, chain: str, *expressions: bytes) -> Request:
        """A rule at the end of a chain."""
        body = text(_RULE_CHAIN, chain) + nested(_EXPRESSIONS, *expressions)
        return self._request(NFT_MSG_NEWRULE, body, NLM_F_CREATE | NLM_F_APPEND)

    def set(self, name: str, key_length: int, number_: int) -> Request:
        """A set of keys of so many octets; ``number_`` is another one than other sets' here."""
        body = text(_SET, name) + number(_KEY_TYPE, 1) + number(_KEY_LENGTH, key_length)
        return self._request(NFT_MSG_NEWSET, body + number(_SET_ID, number_), NLM_F_CREATE)

    def counting_set(self, name: str, key_length: int, number_: int) -> Request:
        """A set that counts for each of its keys how often it was found."""
        kind, message, flags = self.set(name, key_length, number_)
        counter = nested(_STATEFUL, *_named("counter"))
        return kind, message + number(_SET_FLAGS, _FROM_PACKETS) + counter, flags

    def limiting_set(
        self, name: str, key_length: int, number_: int, often: int, period_s: int
    ) -> Request:
        """A set whose keys are found so often at once, and so often again in each period."""
        kind, message, flags = self.set(name, key_length, number_)
        rate = attribute(_RATE, often.to_bytes(8, "big"))
        period = attribute(_UNIT, period_s.to_bytes(8, "big"))
        limit = nested(_STATEFUL, *_named("limit", rate, period, number(_BURST, often)))
        return kind, message + number(_SET_FLAGS, _FROM_PACKETS) + limit, flags

    def learning_set(
        self, name: str, key_length: int, number_: int, size: int, timeout_s: int
    ) -> Request:
        """A set to which packets add keys, so many at most, each for so long."""
        kind, message, flags = self.set(name, key_length, number_)
        bounds = nested(_DESCRIPTION, number(_SIZE, size))
        forgets = attribute(_TIMEOUT, (timeout_s * 1000).to_bytes(8, "big"))
        flagged = number(_SET_FLAGS, _FROM_PACKETS | _WITH_TIMEOUT)
        return kind, message + flagged + bounds + forgets, flags

    def elements(self, set_: str) -> Request:
        """Ask for a set's elements."""
        return self._request(NFT_MSG_GETSETELEM, text(_SET, set_), NLM_F_DUMP)

    def add(self, set_: str, key: bytes) -> Request:
        """Put a key into a set, if it is not there."""
        return self._request(NFT_MSG_NEWSETELEM, _elements(set_, key), NLM_F_CREATE)

    def remove(self, set_: str, key: bytes) -> Request:
        """Take a key out of a set; the kernel refuses if it is not there."""
        return self._request(NFT_MSG_DELSETELEM, _elements(set_, key))

    def clear(self, set_: str) -> Request:
        """Take all keys out of a set."""
        return self._request(NFT_MSG_DELSETELEM, text(_SET, set_))

    def _request(self, kind: int, body: bytes, flags: int = 0) -> Request:
        head = _HEAD.pack(self._family, 0, 0)
        return NFNL_SUBSYS_NFTABLES << 8 | kind, head + self._name + body, flags


def connect() -> NetlinkSocket:
    """A socket for requests, and for the answers of ``counted``."""
    return NetlinkSocket(NETLINK_NETFILTER, {_ELEMENT_LIST: nft_set_elem_list_msg})


def counted(netlink: NetlinkSocket, table: Table, set_: str) -> list[tuple[bytes, int]]:
    """The keys of a counting set, and how often each was found."""
    answers = netlink.request(*table.elements(set_))
    return [
        (_key(element), _packets(element))
        for answer in answers
        for element in answer.get_attr("NFTA_SET_ELEM_LIST_ELEMENTS") or ()
    ]


def _key(element: Any) -> bytes:
    return bytes(element.get_attr("NFTA_SET_ELEM_KEY").get_attr("NFTA_DATA_VALUE"))


def _packets(element: Any) -> int:
    counter = element.get_attr("NFTA_SET_ELEM_EXPR")
    return int(counter.get_attr("NFTA_EXPR_DATA").get_attr("NFTA_COUNTER_PACKETS"))


def commit(netlink: NetlinkSocket, requests: Sequence[Request]) -> None:
    """Carry all of them out, or none and raise OSError."""
    *first, (kind, message, flags) = requests
    head = _HEAD.pack(socket.AF_UNSPEC, 0, NFNL_SUBSYS_NFTABLES)
    netlink.batch(
        [
            (_BATCH_BEGIN, head, 0),
            *first,
            (kind, message, flags | NLM_F_ACK),
            (_BATCH_END, head, 0),
        ]
    )


def _elements(set_: str, key: bytes) -> bytes:
    element = nested(_ELEMENT, nested(_KEY, attribute(_VALUE, key)))
    return text(_SET, set_) + nested(_ELEMENTS, element)


# Expressions. The attributes' numbers are those of each kind of expression: NFTA_<KIND>_…


def link_header(offset: int, length: int) -> bytes:
    """Load octets of the link layer's header."""
    return _payload(_LINK_HEADER, offset, length)


def network_header(offset: int, length: int, *, second: bool = False) -> bytes:
    """Load octets of the IP header; as a second part of what is loaded, behind eight octets."""
    return _payload(_NETWORK_HEADER, offset, length, _SECOND if second else _REGISTER)


def transport_header(offset: int, length: int, *, second: bool = False) -> bytes:
    """Load octets of the header after it, likewise."""
    return _payload(_TRANSPORT_HEADER, offset, length, _SECOND if second else _REGISTER)


def ether_type() -> bytes:
    """Load the number of the network protocol, two octets."""
    return _expression("meta", number(1, _REGISTER), number(2, _ETHER_TYPE))


def output_link() -> bytes:
    """Load the index of the link that the packet leaves by, four octets of this machine's order."""
    return _expression("meta", number(1, _REGISTER), number(2, _OUTPUT_LINK))


def protocol() -> bytes:
    """Load the number of the transport protocol, an octet."""
    return _expression("meta", number(1, _REGISTER), number(2, _PROTOCOL))


def connection_state() -> bytes:
    """Load the state of the packet's connection, which has the kernel track connections."""
    return _expression("ct", number(1, _REGISTER), number(2, 0))


def of_transparent_socket() -> bytes:
    """Load 1 if the packet is for a transparent socket of this host's, else 0, an octet."""
    return _expression("socket", number(1, 0), number(2, _REGISTER))


def masked(mask: bytes) -> bytes:
    """Keep of what was loaded what is in a mask of the same length."""
    bits = nested(4, attribute(_VALUE, mask)), nested(5, attribute(_VALUE, bytes(len(mask))))
    ends = number(1, _REGISTER), number(2, _REGISTER), number(3, len(mask))
    return _expression("bitwise", *ends, *bits)


def equals(value: bytes) -> bytes:
    """Go on only if that is what was loaded."""
    data = nested(3, attribute(_VALUE, value))
    return _expression("cmp", number(1, _REGISTER), number(2, 0), data)


def differs(value: bytes) -> bytes:
    """Go on only if that is not what was loaded."""
    data = nested(3, attribute(_VALUE, value))
    return _expression("cmp", number(1, _REGISTER), number(2, 1), data)


def at_least(value: bytes) -> bytes:
    """Go on only if what was loaded is that or, as a number, more."""
    data = nested(3, attribute(_VALUE, value))
    return _expression("cmp", number(1, _REGISTER), number(2, 5), data)


def is_in(set_: str) -> bytes:
    """Go on only if what was loaded is in a set."""
    return _expression("lookup", text(1, set_), number(2, _REGISTER))


def is_not_in(set_: str) -> bytes:
    """Go on only if what was loaded is not in a set."""
    return _expression("lookup", text(1, set_), number(2, _REGISTER), number(5, 1))


def learn(set_: str) -> bytes:
    """Put what was loaded into a learning set, if it is not there; go on only if it has room."""
    return _expression("dynset", text(1, set_), number(3, 0), number(4, _REGISTER))


def learn_again(set_: str) -> bytes:
    """The same; if it is there already, its time begins anew."""
    return _expression("dynset", text(1, set_), number(3, 1), number(4, _REGISTER))


def to_transparent_listener(port: int) -> list[bytes]:
    """Give the packet to a transparent socket that listens on a port; go on only if one does."""
    proxy = _expression("tproxy", number(1, socket.AF_INET6), number(3, _REGISTER))
    return [_immediate(port.to_bytes(2, "big")), proxy]


def mark(value: int) -> list[bytes]:
    """Mark the packet, for rules of routing."""
    return [
        _immediate(struct.pack("=I", value)),
        _expression("meta", number(2, _MARK), number(3, _REGISTER)),
    ]


def accept() -> bytes:
    """Be done with the packet."""
    return _decide(_ACCEPT)


def drop() -> bytes:
    """Let the packet go no further."""
    return _decide(_DROP)


def jump(chain: str) -> bytes:
    """Go on with the rules of a part, then with the next one here."""
    return _decide(_JUMP, text(_VERDICT_CHAIN, chain))


def go(chain: str) -> bytes:
    """Go on with the rules of a part, and do not come back."""
    return _decide(_GOTO, text(_VERDICT_CHAIN, chain))


def back() -> bytes:
    """Leave a part."""
    return _decide(_RETURN)


def _decide(code: int, chain: bytes = b"") -> bytes:
    verdict = nested(_VERDICT, number(_VERDICT_CODE, code), chain)
    return _expression("immediate", number(1, 0), nested(2, verdict))


def _immediate(value: bytes) -> bytes:
    data = nested(2, attribute(_VALUE, value))
    return _expression("immediate", number(1, _REGISTER), data)


def _payload(base: int, offset: int, length: int, register: int = _REGISTER) -> bytes:
    where = (number(2, base), number(3, offset), number(4, length))
    return _expression("payload", number(1, register), *where)


def _expression(name: str, *attributes: bytes) -> bytes:
    return nested(_ELEMENT, *_named(name, *attributes))


def _named(name: str, *attributes: bytes) -> tuple[bytes, bytes]:
    return text(_NAME, name), nested(_DATA, *attributes)
