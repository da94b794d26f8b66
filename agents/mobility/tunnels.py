"""Things that several users share, and that exist as long as somebody holds them."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address

from agents.core import Action, Log
from agents.mobility.actions import AddDlif, CreateTunnel, RemoveDlif, RemoveTunnel


class SharedTable:
    """Which addresses are held, and by whom; a holder holds an address once or not at all."""

    def __init__(self) -> None:
        self._holders: dict[IPv6Address, dict[str, None]] = {}

    def holders(self) -> Mapping[IPv6Address, frozenset[str]]:
        """Every held address with its holders."""
        return {address: frozenset(holders) for address, holders in self._holders.items()}

    def _hold(self, address: IPv6Address, holder: str) -> tuple[bool, bool]:
        """(whether the holder is new, whether it is the first of the address)."""
        holders = self._holders.setdefault(address, {})
        new, first = holder not in holders, not holders
        holders[holder] = None
        return new, first

    def _release(self, address: IPv6Address, holder: str) -> tuple[bool, bool]:
        """(whether the holder did hold the address, whether it was the last one)."""
        holders = self._holders.get(address, {})
        if holder not in holders:
            return False, False
        del holders[holder]
        if not holders:
            del self._holders[address]
        return True, not holders


class TunnelTable(SharedTable):
    """The tunnels of a MAR, by peer.

    One tunnel to a peer serves every mobile node and multicast: it is created for the first holder
    and removed with the last.
    """

    def hold(self, peer: IPv6Address, holder: str) -> list[Action]:
        """Note a holder; the first has the tunnel created."""
        new, first = self._hold(peer, holder)
        actions: list[Action] = []
        if first:
            actions += [CreateTunnel(peer), Log("tunnel_created", {"peer": str(peer)})]
        if new:
            actions.append(Log("tunnel_held", {"peer": str(peer), "holder": holder}))
        return actions

    def release(self, peer: IPv6Address, holder: str) -> list[Action]:
        """Strike a holder off; the last has the tunnel removed."""
        held, last = self._release(peer, holder)
        actions: list[Action] = []
        if held:
            actions.append(Log("tunnel_released", {"peer": str(peer), "holder": holder}))
        if last:
            actions += [RemoveTunnel(peer), Log("tunnel_removed", {"peer": str(peer)})]
        return actions


class DlifTable(SharedTable):
    """The anchors' link-local addresses that a serving MAR has on its access link."""

    def hold(self, link_local: IPv6Address, holder: str) -> list[Action]:
        """Note a holder; the first has the address configured."""
        return [AddDlif(link_local)] if self._hold(link_local, holder)[1] else []

    def release(self, link_local: IPv6Address, holder: str) -> list[Action]:
        """Strike a holder off; the last has the address removed."""
        return [RemoveDlif(link_local)] if self._release(link_local, holder)[1] else []
