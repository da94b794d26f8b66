"""What happens to the packets of one direction of a link: delay, jitter, loss."""

from __future__ import annotations

import random
from ipaddress import IPv6Address
from typing import Any


class Impairment:
    """Decides for each packet, in order of arrival, when it leaves, or that it never does.

    Delay is uniform in ``delay ± jitter`` ns; a packet never overtakes an earlier one. Loss is
    independent per packet with probability ``loss``. The same seed gives the same decisions for
    the same number of packets, whatever happens on other links.
    """

    def __init__(self, delay: int, jitter: int, loss: float, seed: str) -> None:
        self._delay = delay
        self._jitter = jitter
        self._loss = loss
        self._random = random.Random(seed).random
        self._latest = 0

    def departure(self, arrival: int) -> int | None:
        """When a packet that arrives now leaves, in ns on the clock of ``arrival``; None: lost."""
        if self._loss and self._random() < self._loss:
            return None
        if not self._jitter:
            return arrival + self._delay
        delay = self._delay + int(self._jitter * (2 * self._random() - 1))
        self._latest = max(self._latest, arrival + max(0, delay))
        return self._latest


class Impairments:
    """Those of one direction of a link: one for all packets, or others by where they go.

    ``asked`` has a delay and jitter (ns) and a loss (probability), and in ``toward`` the same for
    IPv6 addresses. ``destination`` is where in a frame that of an IPv6 packet is.
    """

    def __init__(self, asked: dict[str, Any], seed: str, destination: slice) -> None:
        self._seed = seed
        self._destination = destination
        self._otherwise = _impairment(asked, seed)
        toward = asked.get("toward", {})
        self._asked = {IPv6Address(address).packed: one for address, one in toward.items()}
        self._toward: dict[bytes, Impairment] = {}

    def of(self, frame: bytes) -> Impairment:
        """That which a frame meets."""
        if not self._asked:
            return self._otherwise
        address = frame[self._destination]
        found = self._toward.get(address)
        if found is not None:
            return found
        asked = self._asked.get(address)
        if asked is None:
            return self._otherwise
        found = self._toward[address] = _impairment(asked, f"{self._seed} {address.hex()}")
        return found


def _impairment(asked: dict[str, Any], seed: str) -> Impairment:
    return Impairment(asked["delay"], asked["jitter"], asked["loss"], seed)
