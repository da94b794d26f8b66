"""Handovers and the parts of their latency, from the event log.

==============  ====================================================================================
part            from … to
==============  ====================================================================================
l2              the link goes down → the node is at the new access router's access point
authentication  there → link up: it may send, and the access router is told; 0 if nobody asks
detection       link up → the new access router's agent knows (``attached``)
binding         its first Proxy Binding Update → the binding is complete
address         binding complete → an address of the new prefix is usable: not tentative any more
total           link down → the last of these
==============  ====================================================================================

Where the mobile node itself sends Binding Updates it needs the address before: then ``binding`` is
from its first Binding Update, or Care-of Test Init if the address is tested before, until the last
of its home agents has acknowledged, and ``address`` from the new access router's knowledge of the
node until an address is usable; if the network there registers the node as well, that is in it.

A part that did not happen before the next handover is None, and so is the total then.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from emu.events import Event
from emu.measure.run import Run, mobile_node
from emu.schemes.registry import SCHEMES

PARTS = ("l2", "authentication", "detection", "binding", "address")
_USABLE = ("preferred", "optimistic")


@dataclass(frozen=True)
class Handover:
    """One handover; times in CLOCK_MONOTONIC ns."""

    mn: str
    origin: str
    target: str
    down_ns: int
    associated_ns: int
    up_ns: int
    until_ns: int
    """The next time that the node's link goes down, or the end of the run."""
    since_ns: int
    """When it had last arrived before: link up, or the last step of its previous handover."""
    attached_ns: int | None
    update_ns: int | None
    tested_ns: int | None
    """When the node's first Binding Update went, if its care-of address was tested before."""
    complete_ns: int | None
    usable_ns: int | None
    address_from_ns: int | None
    """When the wait for the address begins: binding complete; else, if earlier, ``attached``."""

    @property
    def done_ns(self) -> int:
        """The last of the steps that did happen."""
        steps = (self.up_ns, self.attached_ns, self.complete_ns, self.usable_ns)
        return max(step for step in steps if step is not None)

    @property
    def latency_ms(self) -> dict[str, float | None]:
        """The parts and the total."""
        parts = {
            "l2": _ms(self.down_ns, self.associated_ns),
            "authentication": _ms(self.associated_ns, self.up_ns),
            "detection": _ms(self.up_ns, self.attached_ns),
            "binding": _ms(self.update_ns, self.complete_ns),
            "address": _ms(self.address_from_ns, self.usable_ns),
        }
        whole = None not in parts.values()
        return {**parts, "total": _ms(self.down_ns, self.done_ns) if whole else None}

    @property
    def care_of_test_ms(self) -> float | None:
        """From the first Care-of Test Init to the first Binding Update: a part of ``binding``.

        It is the other form that T_auth has for a client (HDMM paper, footnote 8). None: no test.
        """
        return _ms(self.update_ns, self.tested_ns)


def _ms(start: int | None, end: int | None) -> float | None:
    if start is None or end is None:
        return None
    return max(0, end - start) / 1e6


def find(run: Run) -> list[Handover]:
    """The handovers of a run in order of time; attachments and detachments alone are none."""
    found: list[Handover] = []
    downs = _downs(run)
    ups = run.of_kind("l2_up")
    for at, down in enumerate(downs):
        name = mobile_node(down)
        later = [other for other in downs[at + 1 :] if mobile_node(other) == name]
        until = int(later[0]["t"]) if later else run.end_ns
        up = _first(ups, name, None, int(down["t"]), until)
        if up is not None and not down["detached"]:
            earlier = [int(u["t"]) for u in ups if mobile_node(u) == name and u["t"] < down["t"]]
            earlier += [move.done_ns for move in found if move.mn == name]
            found.append(_handover(run, down, up, until, max(earlier, default=0)))
    return found


def answered_by(run: Run, handover: Handover) -> str | None:
    """The node whose PBA completed the binding at the new access router; None if none did."""
    answers = [
        event
        for event in run.of_kind("received")
        if event["node"] == handover.target
        and event["message"] == "PBA"
        and mobile_node(event) == handover.mn
        and handover.complete_ns is not None
        and handover.down_ns <= event["t"] <= handover.complete_ns
    ]
    return run.node_of(str(answers[-1]["source"])) if answers else None


def _downs(run: Run) -> list[Event]:
    """The times a link went down, each marked when it was a detachment by the scenario."""
    downs = [{**event, "detached": False} for event in run.of_kind("l2_down")]
    for event in run.meta["scenario"].get("events", ()):
        if event.get("detach"):
            when = int(run.meta["t0_ns"]) + int(event["at"])
            caused = _first(downs, event["detach"], None, when, run.end_ns)
            if caused is not None:
                caused["detached"] = True
    return downs


def _first(
    events: list[Event], mn: str, node: str | None, start: int, until: int, **fields: str
) -> Event | None:
    for event in events:
        if (
            start <= event["t"] <= until
            and mobile_node(event) == mn
            and (node is None or event["node"] == node)
            and all(event.get(key) == value for key, value in fields.items())
        ):
            return event
    return None


def _handover(run: Run, down: Event, up: Event, until: int, since: int) -> Handover:
    name, target, start = mobile_node(down), str(up["mar"]), int(down["t"])

    def step(kind: str, since: int, **fields: str) -> int | None:
        event = _first(run.of_kind(kind), name, target, since, until, **fields)
        return None if event is None else int(event["t"])

    attached = step("attached", start)
    routers = _update(run, name, target, start, until)
    update = None if routers is None else int(routers["t"])
    own = _update(run, name, name, start, until)
    if update is not None and own is not None and not _names(run, target, own):
        own = None  # the network does it; the node takes back what it said elsewhere, or refreshes
    tested = None
    if own is None:
        complete = step("binding_complete", start if update is None else update)
        address_from = complete
    else:
        update = int(own["t"])
        if own["message"] == "CoTI":
            tested = _first(run.of_kind("sent"), name, name, update, until, message="BU")
        done = _first(run.of_kind("binding_complete"), name, name, update, until)
        complete = None if done is None else int(done["t"])
        address_from = attached
    usable = None if address_from is None else _usable(run, name, target, address_from, until)
    return Handover(
        mn=name,
        origin=str(down["mar"]),
        target=target,
        down_ns=start,
        associated_ns=_associated(run, name, start, int(up["t"])),
        up_ns=int(up["t"]),
        until_ns=until,
        since_ns=since,
        attached_ns=attached,
        update_ns=update,
        tested_ns=None if tested is None else int(tested["t"]),
        complete_ns=complete,
        usable_ns=usable,
        address_from_ns=address_from,
    )


def _associated(run: Run, mn: str, down: int, up: int) -> int:
    """When it had found its new access point: where nobody is authenticated, with its link."""
    event = _first(run.of_kind("associated"), mn, None, down, up)
    return up if event is None else int(event["t"])


def _update(run: Run, mn: str, node: str, start: int, until: int) -> Event | None:
    """The first message about where a mobile node is now, of its access router or its own."""
    updates = {name for scheme in SCHEMES.all().values() for name in scheme.messages.updates}
    sent = [event for event in run.of_kind("sent") if event.get("message") in updates]
    return _first(sent, mn, node, start, until)


def _names(run: Run, target: str, update: Event) -> bool:
    """Whether the message gives an address of the router's as the node's care-of address."""
    pool = run.meta["nodes"].get(target, {}).get("pool")
    source = ipaddress.IPv6Address(str(update["source"]))
    is_there = pool is not None and source in ipaddress.IPv6Network(pool)
    return is_there and update.get("lifetime") != 0


def _usable(run: Run, mn: str, target: str, since: int, until: int) -> int | None:
    """When an address of the new prefix is usable, at the earliest ``since``."""
    prefix = _new_prefix(run, mn, target, until)
    state: dict[str, str] = {}
    for event in run.of_kind("address"):
        if event["t"] > until:
            break
        address = ipaddress.IPv6Address(str(event.get("address", "::")).split("/")[0])
        if event["node"] != mn or prefix is None or address not in prefix:
            continue
        if event["t"] > since and any(value in _USABLE for value in state.values()):
            return since
        state[str(address)] = str(event["state"])
        if event["t"] > since and event["state"] in _USABLE:
            return int(event["t"])
    return since if any(value in _USABLE for value in state.values()) else None


def _new_prefix(run: Run, mn: str, target: str, until: int) -> ipaddress.IPv6Network | None:
    """The prefix that the node has from its new access router, else that router's whole pool."""
    assigned = [
        event["prefix"]
        for event in run.of_kind("prefix_assigned")
        if event["node"] == target and mobile_node(event) == mn and event["t"] <= until
    ]
    pool = run.meta["nodes"].get(target, {}).get("pool")
    prefix = assigned[-1] if assigned else pool
    return None if prefix is None else ipaddress.IPv6Network(prefix)
