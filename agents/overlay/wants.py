"""What a member wants of each group, each in a slot of its own of what it says."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address

from agents.overlay.config import OverlayConfig
from agents.overlay.gossip import Gossip
from agents.wire.overlay_items import FIRST_INTEREST_SLOT, Interest, encode_interest


class TooMuch(Exception):
    """It cannot be said; the text says why."""


class Wants:
    """The slots, as many as a member may have groups."""

    def __init__(self, config: OverlayConfig, gossip: Gossip) -> None:
        self._config, self._gossip = config, gossip
        self._slots: dict[IPv6Address, int] = {}
        end = FIRST_INTEREST_SLOT + config.maximum_groups
        self._free = list(range(end - 1, FIRST_INTEREST_SLOT - 1, -1))

    def groups(self) -> Iterable[IPv6Address]:
        """The groups of which anything is wanted."""
        return self._slots.keys()

    def say(self, group: IPv6Address, interest: Interest | None) -> bool:
        """Say what is wanted of a group (None: nothing); whether that is new. Raises TooMuch."""
        slot = self._slots.get(group)
        if interest is None:
            if slot is None:
                return False
            self._free.append(self._slots.pop(group))
            self._gossip.say(slot, b"")
            return True
        content = encode_interest(interest)
        if len(content) > self._config.maximum_item:
            raise TooMuch("more sources than a message holds")
        if slot is None:
            if not self._free:
                raise TooMuch(f"more than {self._config.maximum_groups} groups of one member")
            slot = self._slots[group] = self._free.pop()
        self._gossip.say(slot, content)
        return True
