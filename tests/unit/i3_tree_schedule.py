"""Random schedules of an i3 group in virtual time: members come, leave and crash, also levels."""

from __future__ import annotations

from collections import Counter
from random import Random

from agents.core import SECOND
from agents.i3.config import GroupConfig, Recovery, Refresh
from agents.i3.member import Member, Phase
from emu.simulator.i3 import Host
from emu.simulator.i3_session import Session, SessionConfig
from tests.unit.i3_world import SMALL, reached, triggers

FAULTS = 60 * SECOND
"""How long members come and go, and messages may be lost, ns."""
SETTLING = 120 * SECOND
"""After which everybody has a place and gets all packets at the latest, ns."""
NEWCOMER = 60 * SECOND
"""In which who comes then finds a place, ns."""


def gone(session: Session, one: tuple[Host, Member], crash: bool) -> None:
    """A member leaves, or crashes."""
    host, member = one
    session.members.remove(one)
    if crash:
        session.overlay.crash(host)
    else:
        session.overlay.call(host, lambda now: member.leave())


def at_level(session: Session, level: int) -> list[tuple[Host, Member]]:
    """The members that are so many levels below the root."""
    return [one for one in session.in_tree if len(one[1].path) == level]


def run_schedule(seed: int, most: int = 30) -> list[str]:
    """Play one; what is wrong when it has settled."""
    random = Random(seed)
    degree = random.randint(2, 4)
    group = GroupConfig(degree, refresh=random.choice([*Refresh]), recovery=Recovery.RANDOM)
    session = Session(SessionConfig(random.randint(2, most), 20, group, SMALL), seed)
    session.grow()
    loss = random.choice([0.0, 0.1, 0.3])
    session.overlay.lost = lambda origin, target: random.random() < loss
    end = session.engine.now + FAULTS
    while session.engine.now < end:
        session.run(random.randint(0, 8 * SECOND))
        _happen(session, random, most)
    session.overlay.lost = None
    session.run(SETTLING)
    newcomer = session.add()
    session.run(NEWCOMER)
    return [*_faults(session, newcomer[1], degree)]


def _happen(session: Session, random: Random, most: int) -> None:
    """One event; a level is all members that are so many levels below the root."""
    event, crash = random.choice(["join", "one", "level", "levels"]), random.random() < 0.5
    if event == "join" and len(session.members) < most:
        session.add()
    elif event == "one" and session.members:
        gone(session, random.choice(session.members), crash)
    elif event.startswith("level"):
        level = random.randint(1, 3)
        for below in range(level, level + 1 + (event == "levels")):
            for one in at_level(session, below):
                gone(session, one, crash)


def _faults(session: Session, newcomer: Member, degree: int) -> list[str]:
    found = []
    if newcomer.phase is not Phase.IN_TREE:
        found.append("the newcomer has no place")
    everybody = {host.endpoint for host in session.hosts}
    if len(session.in_tree) != len(session.members):
        found.append(f"only {len(session.in_tree)} of {len(session.members)} have a place")
    ends = Counter(reached(session))
    if ends != Counter({*everybody, session.source[0].endpoint}):
        found.append("the triggers do not lead to each member just once")
    owned = Counter(member.identifier for _, member in session.members)
    if max(owned.values()) > 1:
        found.append("two members have an identifier")
    for identifier in owned:
        if identifier is not None and len(triggers(session, identifier)) > degree + 1:
            found.append("an identifier has too many triggers")
    first = session.send()
    session.run(20 * SECOND)
    for number in range(first, first + 15):
        if session.received(number) & everybody != everybody:
            found.append(f"packet {number} did not reach all")
    return found
