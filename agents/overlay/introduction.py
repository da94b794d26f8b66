"""What a member says of itself: its profile, again when it is another one."""

from __future__ import annotations

from agents.core import SECOND
from agents.overlay.config import OverlayConfig
from agents.overlay.coordinates import Coordinates, distance
from agents.overlay.gossip import Gossip
from agents.overlay.peers import Peers
from agents.overlay.telling import Telling
from agents.wire.overlay_items import PROFILE_SLOT, Profile, encode_profile

_PLACED = 10 * SECOND
"""Between two changes of our coordinates."""
_DRIFT_MS = 2.0
_DRIFT = 0.2


class Introduction:
    """The profile of the member with this name."""

    def __init__(
        self,
        name: str,
        config: OverlayConfig,
        peers: Peers,
        gossip: Gossip,
        telling: Telling,
        now: int,
    ) -> None:
        self._name, self._config = name, config
        self._peers, self._gossip, self._telling = peers, gossip, telling
        self._placed = now
        self._said = self._say()

    def update(self, now: int) -> None:
        """Say it again if it is another one; coordinates count when they have moved far."""
        peers, said = self._peers, self._said
        known = (said.endpoints, said.leaf, said.hubs)
        if (peers.advertised(), peers.is_leaf, peers.hubs) != known:
            self._said = self._say()
            self._telling.own(now)
        elif self._is_far() and now - self._placed >= _PLACED:  # the next digests tell it
            self._placed = now
            self._said = self._say()

    def end(self, now: int) -> None:
        """The member leaves."""
        self._gossip.say(PROFILE_SLOT, b"")
        self._telling.own(now)

    def _is_far(self) -> bool:
        """Whether our coordinates are far from those that were said."""
        here, told = self._peers.coordinates, Coordinates(*self._said.coordinates)
        moved = distance(told, here) - told.height - here.height
        moved += abs(told.height - here.height)
        return moved > max(_DRIFT_MS, _DRIFT * told.height) or told.error - here.error > _DRIFT

    def _say(self) -> Profile:
        peers = self._peers
        profile = Profile(
            self._name,
            self._config.degree,
            peers.advertised(),
            peers.is_leaf,
            peers.hubs,
            (*peers.coordinates,),
        )
        self._gossip.say(PROFILE_SLOT, encode_profile(profile))
        return profile
