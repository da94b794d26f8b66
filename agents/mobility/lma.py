"""The local mobility anchor, "LMA", of Proxy Mobile IPv6 (RFC 5213 section 5).

It gives each mobile node one home network prefix, which stays the same wherever the node goes, and
sends what comes for it through the tunnel to the mobile access gateway (MAG) where the node is.
docs/pmipv6.md describes the exchange.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, IPv6Network

from agents.core import SECOND, Action, Log
from agents.deadlines import Deadlines
from agents.mobility.config import FORGET_DELAY, Counters, LmaConfig
from agents.mobility.forwarding_state import transition
from agents.mobility.messages import is_for_dmm
from agents.mobility.ordering import WITH_OWN_TIME, Verdict, judge, with_own_time
from agents.mobility.pool import PrefixPool
from agents.mobility.proxy_bindings import LmaBinding, LmaPhase, LmaTimer, ProxyBinding
from agents.mobility.proxy_messages import (
    ProxyRegistration,
    is_for_pmipv6,
    proxy_acknowledgement,
    read_proxy_registration,
)
from agents.mobility.sending import received, send
from agents.mobility.tunnels import DlifTable, TunnelTable
from agents.wire.mobility import BindingUpdate, Message, Status
from agents.wire.mobility_options import MobileNodeIdentifier


class LmaCore:
    """The LMA's protocol machine."""

    def __init__(self, config: LmaConfig) -> None:
        self.counters = Counters()
        self._config = config
        self._pool = PrefixPool(config.pool)
        self._bindings: dict[str, ProxyBinding] = {}
        self._tunnels = TunnelTable()
        self._deadlines: Deadlines[tuple[str, LmaTimer]] = Deadlines()

    def hold_tunnel(self, peer: IPv6Address, holder: str, now: int) -> list[Action]:
        """Another part of the router (multicast) needs the tunnel to a MAG."""
        return self._tunnels.hold(peer, holder)

    def release_tunnel(self, peer: IPv6Address, holder: str, now: int) -> list[Action]:
        """Another part of the router no longer needs the tunnel to a MAG."""
        return self._tunnels.release(peer, holder)

    def receive(self, message: Message, source: IPv6Address, now: int) -> list[Action]:
        """A Mobility Header message came in."""
        is_ours = isinstance(message, BindingUpdate) and is_for_pmipv6(message)
        if source not in self._config.mags:
            self.counters.unauthentic += 1
            refusal = Status.MAG_NOT_AUTHORIZED_FOR_PROXY_REGISTRATION
            return self._refuse(message, source, refusal, now) if is_ours else []
        if not isinstance(message, BindingUpdate) or not is_ours:
            self.counters.ignored += 1
            distributed = isinstance(message, BindingUpdate) and is_for_dmm(message)
            if not distributed:
                return []
            # There is nothing of that here, and RFC 8885 section 4.1 has it said.
            return self._refuse(message, source, Status.REASON_UNSPECIFIED, now)
        request = read_proxy_registration(message)
        if isinstance(request, Status):
            self.counters.malformed += 1
            return self._refuse(message, source, request, now)
        log = received(message, request.identifier, source)
        return [log, *self._receive_registration(message, request, source, now)]

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions: list[Action] = []
        for identifier, timer in self._deadlines.due(now):
            if timer is LmaTimer.FORGET:
                del self._bindings[identifier]
            else:
                actions += self._remove(self._bindings[identifier], now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._deadlines.next()

    def bindings(self) -> dict[str, LmaBinding]:
        """The mobile nodes that have a prefix."""
        return {
            b.identifier: LmaBinding(b.prefix, b.serving, b.phase)
            for b in self._bindings.values()
            if b.phase is not LmaPhase.REMOVED
        }

    def tunnels(self) -> Mapping[IPv6Address, frozenset[str]]:
        """The MAGs to which there is a tunnel, and who holds it."""
        return self._tunnels.holders()

    def _receive_registration(
        self, message: BindingUpdate, request: ProxyRegistration, source: IPv6Address, now: int
    ) -> list[Action]:
        binding = self._bindings.get(request.identifier)
        if binding is not None:
            verdict = judge(binding, request.timestamp, request.sequence, source)
            if verdict is not Verdict.NEW:
                self.counters.ignored += 1
            if verdict is Verdict.REPEATED:
                return []  # whoever got no answer repeats under a new number
            if verdict is Verdict.OUTDATED:
                refusal = Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED
                return self._refuse(message, source, refusal, now)
        if request.lifetime == 0:
            return self._deregister(message, request, binding, source, now)
        return self._register(message, request, binding, source, now)

    def _register(
        self,
        message: BindingUpdate,
        request: ProxyRegistration,
        binding: ProxyBinding | None,
        source: IPv6Address,
        now: int,
    ) -> list[Action]:
        """The mobile node is at a MAG: it gets its prefix there, and what is sent to that."""
        held = binding.prefix if binding else None
        prefix = held or self._prefix(request)
        if isinstance(prefix, Status):
            return self._refuse(message, source, prefix, now)
        if request.prefix not in (None, prefix):
            return self._refuse(message, source, Status.PREFIX_SET_DOES_NOT_MATCH, now)
        actions: list[Action] = []
        if held is None:
            fields = {"mn": request.identifier, "prefix": str(prefix)}
            actions.append(Log("prefix_assigned", fields))
        binding = self._note(request, source, LmaPhase.BOUND)
        binding.prefix = prefix
        binding.lifetime = min(request.lifetime, self._config.binding_lifetime_s)
        self._cancel(binding, LmaTimer.DELETE, LmaTimer.FORGET)
        due = now + binding.lifetime * SECOND
        self._deadlines.set((binding.identifier, LmaTimer.EXPIRE), due)
        answer = proxy_acknowledgement(message, Status.ACCEPTED, binding.lifetime, prefix)
        return [*actions, *self._forward(binding), *send(answer, binding.identifier, source)]

    def _prefix(self, request: ProxyRegistration) -> IPv6Network | Status:
        """A prefix for a mobile node that has none: what it still has elsewhere, or a new one."""
        if request.prefix is None:
            return self._pool.assign(request.identifier) or Status.INSUFFICIENT_RESOURCES
        if request.prefix in self._pool and self._pool.reserve(request.prefix, request.identifier):
            return request.prefix
        return Status.NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX

    def _deregister(
        self,
        message: BindingUpdate,
        request: ProxyRegistration,
        binding: ProxyBinding | None,
        source: IPv6Address,
        now: int,
    ) -> list[Action]:
        """It has left the MAG: its prefix waits for it a while (section 5.3.5).

        The PBU with which it had come there may have got lost: then it has left all others, too.
        """
        actions: list[Action] = []
        if binding is None or binding.phase is LmaPhase.REMOVED:
            binding = self._note(request, source, LmaPhase.REMOVED)
            self._deadlines.set((binding.identifier, LmaTimer.FORGET), now + FORGET_DELAY)
        else:
            self._note(request, source, LmaPhase.LEAVING)
            self._cancel(binding, LmaTimer.EXPIRE)
            due = now + self._config.delete_delay
            self._deadlines.set((binding.identifier, LmaTimer.DELETE), due)
            actions = self._forward(binding)
        answer = proxy_acknowledgement(message, Status.ACCEPTED, 0, request.prefix)
        return [*actions, *send(answer, request.identifier, source)]

    def _remove(self, binding: ProxyBinding, now: int) -> list[Action]:
        """The mobile node is gone, and its prefix is free for others."""
        assert binding.prefix is not None  # until now
        self._pool.release(binding.prefix)
        binding.prefix = None
        binding.phase = LmaPhase.REMOVED
        self._cancel(binding, LmaTimer.EXPIRE, LmaTimer.DELETE)
        self._deadlines.set((binding.identifier, LmaTimer.FORGET), now + FORGET_DELAY)
        return [*self._forward(binding), Log("binding_removed", {"mn": binding.identifier})]

    def _note(
        self, request: ProxyRegistration, source: IPv6Address, phase: LmaPhase
    ) -> ProxyBinding:
        """Take over which PBU is now the latest."""
        fresh = ProxyBinding(request.identifier, source)
        binding = self._bindings.setdefault(request.identifier, fresh)
        binding.timestamp = request.timestamp
        binding.sequence = request.sequence
        binding.serving = source
        binding.phase = phase
        return binding

    def _refuse(
        self, message: Message, source: IPv6Address, status: Status, now: int
    ) -> list[Action]:
        assert isinstance(message, BindingUpdate)
        identifier = message.option(MobileNodeIdentifier)
        answer = proxy_acknowledgement(message, status, message.lifetime)
        if status in WITH_OWN_TIME:
            answer = with_own_time(answer, now + self._config.clock_offset)
        return send(answer, identifier.identifier if identifier else "", source)

    def _forward(self, binding: ProxyBinding) -> list[Action]:
        """Carry out the forwarding state that belongs to the entry's state."""
        wanted = binding.forwarding()
        holder = f"unicast:{binding.identifier}"
        actions = transition(binding.installed, wanted, holder, self._tunnels, DlifTable())
        binding.installed = wanted
        return actions

    def _cancel(self, binding: ProxyBinding, *timers: LmaTimer) -> None:
        for timer in timers:
            self._deadlines.cancel((binding.identifier, timer))
