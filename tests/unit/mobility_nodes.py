"""One MAR and one CMD as the tests of the mobility cores call them, and their messages."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from agents.core import SECOND, Action, Log
from agents.mobility.actions import Forget, MobileNode, Send, Store
from agents.mobility.anchors import Anchor
from agents.mobility.cmd import CmdCore
from agents.mobility.config import CmdConfig, MarConfig
from agents.mobility.context import listens_to_nothing
from agents.mobility.mar import MarCore
from agents.mobility.messages import acknowledgement, anchor_update, registration
from agents.wire.mobility import BindingUpdate, Status

CMD = IPv6Address("2001:db8:ffff::c")
MACS = bytes.fromhex("00005e005213")
MN = MobileNode("mn1", bytes.fromhex("020000000001"))
OTHER = MobileNode("mn2", bytes.fromhex("020000000002"))
T0 = 1000 * SECOND


def mar_address(number: int) -> IPv6Address:
    return IPv6Address(f"2001:db8:ffff::{number}")


def prefix(number: int, index: int = 1) -> IPv6Network:
    return IPv6Network(f"2001:db8:{number}:{index}::/64")


def link_local(number: int) -> IPv6Address:
    return IPv6Address(f"fe80::5213:{number}")


def anchor(number: int, index: int = 1) -> Anchor:
    return Anchor(mar_address(number), prefix(number, index), link_local(number), MACS)


def mar(number: int = 1, listening=listens_to_nothing, **changes) -> MarCore:
    pool = IPv6Network(f"2001:db8:{number}::/48")
    config = {
        "address": mar_address(number),
        "cmd": CMD,
        "pool": pool,
        "link_local": link_local(number),
        "link_layer_address": MACS,
    }
    return MarCore(MarConfig(**(config | changes)), listening)


def cmd(mars: int = 9, **changes) -> CmdCore:
    addresses = frozenset(mar_address(number) for number in range(1, mars + 1))
    return CmdCore(CmdConfig(CMD, mars=addresses, **changes))


def without_logs(actions: list[Action]) -> list[Action]:
    """What is for the outside: neither the log nor the store."""
    return [action for action in actions if not isinstance(action, (Log, Store, Forget))]


def logs(actions: list[Action]) -> list[tuple[str, dict]]:
    return [(action.kind, action.fields) for action in actions if isinstance(action, Log)]


def sent(actions: list[Action]) -> list[Send]:
    return [action for action in actions if isinstance(action, Send)]


def the_request(actions: list[Action]) -> BindingUpdate:
    """The one PBU among these actions."""
    (send,) = sent(actions)
    assert isinstance(send.message, BindingUpdate)
    return send.message


def pbu(number: int, sequence: int, attached: int, lifetime: int = 300, index: int = 1, mn=MN):
    """A PBU from a MAR to the CMD."""
    return registration(mn, anchor(number, index), sequence, lifetime, attached, again=False)


def update(serving: int | None, sequence: int, attached: int, lifetime: int = 300, own: int = 1):
    """A PBU from the CMD to MAR ``own``."""
    address = None if serving is None else mar_address(serving)
    lifetime = 0 if serving is None else lifetime
    return anchor_update(MN.identifier, anchor(own), address, sequence, lifetime, attached)


def serve(core: MarCore, now: int, *previous: int, mn: MobileNode = MN) -> list[Action]:
    """Attach a mobile node, and have the CMD accept it; what the PBA sets off."""
    request = the_request(core.attach(mn, now))
    answer = acknowledgement(request, Status.ACCEPTED, 300, [anchor(n) for n in previous])
    return core.receive(answer, CMD, now + 1)
