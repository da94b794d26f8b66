"""What the members' items say: who they are, and what they want."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import IPv6Address

from agents.overlay.gossip import Change
from agents.wire.errors import MalformedPacket
from agents.wire.overlay import MemberId
from agents.wire.overlay_items import (
    FIRST_INTEREST_SLOT,
    PROFILE_SLOT,
    Interest,
    Profile,
    decode_interest,
    decode_profile,
)


class Directory:
    """Profiles and interests of all members but this one. ``malformed`` counts what is neither."""

    def __init__(self) -> None:
        self.profiles: dict[MemberId, Profile] = {}
        self.malformed = 0
        self._interests: dict[IPv6Address, dict[MemberId, Interest]] = defaultdict(dict)
        self._slots: dict[MemberId, dict[int, IPv6Address]] = defaultdict(dict)

    def learn(self, change: Change) -> set[IPv6Address]:
        """Take over what a member says; the groups of which it now wants something else."""
        member, item = change.member, change.item
        if item is None:
            self.profiles.pop(member, None)
            return {
                group
                for group in self._slots.pop(member, {}).values()
                if self._forget(group, member)
            }
        try:
            if item.slot == PROFILE_SLOT and item.content:
                self.profiles[member] = decode_profile(item.content)
            elif item.slot >= FIRST_INTEREST_SLOT:
                interest = decode_interest(item.content) if item.content else None
                return self._set(member, item.slot, interest)
        except MalformedPacket:
            self.malformed += 1
        return set()

    def wanting(self, source: IPv6Address, group: IPv6Address) -> frozenset[MemberId]:
        """The members that want packets of a source to a group."""
        interests = self._interests.get(group, {})
        return frozenset(
            member
            for member, interest in interests.items()
            if member in self.profiles and interest.accepts(source)
        )

    def groups_of(self, member: MemberId) -> list[IPv6Address]:
        """The groups that a member wants something of."""
        return sorted(self._slots.get(member, {}).values())

    def _set(self, member: MemberId, slot: int, interest: Interest | None) -> set[IPv6Address]:
        before = self._slots[member].pop(slot, None)
        changed = set()
        if before is not None and self._forget(before, member):
            changed.add(before)
        if interest is not None:
            self._slots[member][slot] = interest.group
            self._interests[interest.group][member] = interest
            changed.add(interest.group)
        return changed

    def _forget(self, group: IPv6Address, member: MemberId) -> bool:
        interests = self._interests[group]
        known = interests.pop(member, None) is not None
        if not interests:
            del self._interests[group]
        return known
