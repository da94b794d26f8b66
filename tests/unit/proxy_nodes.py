"""One MAG and one LMA as the tests of Proxy Mobile IPv6 call them, and their messages."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from mobility_nodes import MACS, MN, T0, sent

from agents.core import Action
from agents.mobility.actions import MobileNode
from agents.mobility.config import LmaConfig, MagConfig
from agents.mobility.lma import LmaCore
from agents.mobility.mag import MagCore
from agents.mobility.proxy_messages import proxy_acknowledgement, proxy_registration
from agents.wire.mobility import BindingAcknowledgement, BindingUpdate, Status
from agents.wire.mobility_options import Handoff

LMA = IPv6Address("2001:db8:ffff::a")
HOME_LINK = IPv6Address("fe80::5213:0")
POOL = IPv6Network("2001:db8:a000::/48")


def mag_address(number: int) -> IPv6Address:
    return IPv6Address(f"2001:db8:ffff::{number}")


def home(index: int = 1) -> IPv6Network:
    return IPv6Network(f"2001:db8:a000:{index}::/64")


def mag(number: int = 1, kind=MagCore, **changes) -> MagCore:
    return kind(MagConfig(mag_address(number), LMA, HOME_LINK, MACS, **changes))


def lma(**changes) -> LmaCore:
    mags = frozenset(mag_address(number) for number in range(1, 4))
    return LmaCore(LmaConfig(**({"address": LMA, "pool": POOL, "mags": mags} | changes)))


def pbu(sequence: int, attached: int = T0, lifetime: int = 300, mn: MobileNode = MN, prefix=None):
    """A PBU about an attachment at some time."""
    handoff = Handoff.NOT_CHANGED if prefix is not None and lifetime > 0 else Handoff.UNKNOWN
    return proxy_registration(mn, prefix, HOME_LINK, sequence, lifetime, attached, handoff)


def request(actions: list[Action]) -> BindingUpdate:
    """The one PBU among these actions."""
    (send,) = sent(actions)
    assert isinstance(send.message, BindingUpdate)
    return send.message


def answer(actions: list[Action]) -> BindingAcknowledgement:
    """The one PBA among these actions."""
    (send,) = sent(actions)
    assert isinstance(send.message, BindingAcknowledgement)
    return send.message


def pba(asked: BindingUpdate, status: Status = Status.ACCEPTED, prefix=None):
    """The LMA's answer to a PBU."""
    prefix = prefix or home()
    return proxy_acknowledgement(asked, status, asked.lifetime, prefix)


def serve(core: MagCore, now: int = T0, mn: MobileNode = MN, prefix=None) -> list[Action]:
    """Attach a mobile node, and have the LMA accept it; what the PBA sets off."""
    return core.receive(pba(request(core.attach(mn, now)), prefix=prefix), LMA, now + 1)
