"""Requests to the kernel over netlink, on a plain blocking socket; pyroute2 reads the answers.

pyroute2's own sockets run an event loop inside each call, which asyncio forbids inside a running
loop, where the daemons live. Its message classes have no such tie.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyroute2.netlink import (
    NLM_F_ACK,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    rtnl,
)
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg
from pyroute2.netlink.rtnl.tcmsg import tcmsg

_HEADER = struct.Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence number, port."""
_ERROR = struct.Struct("=i")
_ATTRIBUTE = struct.Struct("=HH")
_ACKNOWLEDGED_REQUEST = _ERROR.size + _HEADER.size
_NLM_F_ACK_TLVS = 0x200
_NLMSGERR_ATTR_MSG = 1
_SOL_NETLINK = 270
_NETLINK_CAP_ACK = 10
_NETLINK_EXT_ACK = 11
_RECEIVE_SIZE = 1 << 18

MessageClasses = Mapping[int, type[Any]]
"""What decodes each kind of a protocol's messages that is of use here."""

_ROUTE: MessageClasses = {
    rtnl.RTM_NEWLINK: ifinfmsg,
    rtnl.RTM_DELLINK: ifinfmsg,
    rtnl.RTM_NEWADDR: ifaddrmsg,
    rtnl.RTM_DELADDR: ifaddrmsg,
    rtnl.RTM_NEWROUTE: rtmsg,
    rtnl.RTM_NEWRULE: fibmsg,
    rtnl.RTM_NEWTFILTER: tcmsg,
}


def messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Split a datagram from the kernel into (type, sequence number, whole message)."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, _, sequence, _ = _HEADER.unpack_from(data, offset)
        yield kind, sequence, data[offset : offset + length]
        offset += (length + 3) & ~3


def decode(kind: int, data: bytes, classes: MessageClasses = _ROUTE) -> Any:
    """Decode one message by its type; None for a type that is of no use here."""
    message_class = classes.get(kind)
    if message_class is None:
        return None
    message = message_class(data)
    message.decode()
    return message


Request = tuple[int, bytes, int]
"""Its kind, what follows the netlink header (see ``agents.kernel.attributes``), and flags."""


class NetlinkSocket:
    """One netlink socket in the network namespace that the caller is in."""

    def __init__(
        self, protocol: int = socket.NETLINK_ROUTE, classes: MessageClasses = _ROUTE
    ) -> None:
        self._classes = classes
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol
        )
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_EXT_ACK, 1)
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
        self._socket.bind((0, 0))
        self._sequence = 0

    def request(self, kind: int, message: bytes, flags: int = 0) -> list[Any]:
        """Send one request and return the messages of its answer; a refusal raises OSError."""
        return self.batch([(kind, message, flags | NLM_F_ACK)])

    def batch(self, requests: Sequence[Request]) -> list[Any]:
        """Send several at once; the answer is that of the one with NLM_F_ACK, or a refusal."""
        self._sequence += 1
        frames = (
            _HEADER.pack(
                _HEADER.size + len(message), kind, flags | NLM_F_REQUEST, self._sequence, 0
            )
            + message
            for kind, message, flags in requests
        )
        self._socket.send(b"".join(frames))
        answer: list[Any] = []
        while True:
            for reply, sequence, data in messages(self._socket.recv(_RECEIVE_SIZE)):
                if sequence != self._sequence:
                    continue
                if reply == NLMSG_ERROR:
                    _raise_error(data)
                    return answer
                if reply == NLMSG_DONE:
                    return answer
                answer.append(decode(reply, data, self._classes))

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _raise_error(data: bytes) -> None:
    """Raise the OSError of an acknowledgement with the kernel's own words, if it is an error."""
    (negative,) = _ERROR.unpack_from(data, _HEADER.size)
    if negative == 0:
        return
    text = os.strerror(-negative)
    flags = _HEADER.unpack_from(data)[2]
    offset = _HEADER.size + _ACKNOWLEDGED_REQUEST
    while flags & _NLM_F_ACK_TLVS and offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if kind == _NLMSGERR_ATTR_MSG:
            words = data[offset + _ATTRIBUTE.size : offset + length].rstrip(b"\0").decode()
            text = f"{text} ({words})"
        offset += max(_ATTRIBUTE.size, (length + 3) & ~3)
    raise OSError(-negative, text)
