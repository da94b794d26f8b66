"""The mobile node: it tells the home agent of each of its home addresses where it is.

RFC 6275 section 11; with several home addresses, each of another home agent, section 4.1 of the
HDMM paper.
"""

from __future__ import annotations

from ipaddress import IPv6Address

from agents.core import SECOND, Action, Log
from agents.deadlines import Deadlines
from agents.mipv6.actions import (
    GiveUp,
    LeaveHome,
    LeaveLink,
    OpenTunnel,
    ReturnHome,
    Send,
    UseTunnel,
    order,
)
from agents.mipv6.authorization import Authorization
from agents.mipv6.config import TEST_INTERVAL, Counters, MobileNodeConfig
from agents.mipv6.packets import Packet
from agents.mipv6.security import PROVE_ANEW
from agents.mipv6.sending import ask, received, send
from agents.mipv6.update_list import Binding, Phase, Timer
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingError,
    BindingErrorStatus,
    BindingRefreshRequest,
    Status,
)
from agents.wire.routability_tests import HomeTest, HomeTestInit, Test


class MobileNodeCore:
    """The bindings of one mobile node."""

    def __init__(
        self, config: MobileNodeConfig, authorization: Authorization | None = None
    ) -> None:
        self._config = config
        self._authorization = authorization
        self.counters = Counters()
        self._bindings: dict[IPv6Address, Binding] = {}
        self._deadlines: Deadlines[tuple[IPv6Address, Timer]] = Deadlines()
        self.longest: int | None = None
        """The longest lifetime that may be asked for, s; None: as the configuration has it."""
        self._care_of: IPv6Address | None = None
        self._bound_at: IPv6Address | None = None
        """The care-of address for which ``binding_complete`` was, or will be, said."""
        self._completing = False
        self._network_based = False
        """Whether the network on the link takes care of the home addresses."""
        self._last_router: IPv6Address | None = None
        """Of the network that did so last."""

    @property
    def name(self) -> str:
        """The mobile node's name in the event log."""
        return self._config.identifier

    @property
    def care_of(self) -> IPv6Address | None:
        """Where the node is, as it was told last."""
        return self._care_of

    def bindings(self) -> dict[IPv6Address, Binding]:
        """Every home address and how it stands."""
        return dict(self._bindings)

    def add_home(self, home_address: IPv6Address, agent: IPv6Address, now: int) -> list[Action]:
        """A home address that is not on the link; nothing new if it is known.

        One that was being released is kept; ``moved`` says where.
        """
        known = self._bindings.get(home_address)
        if known is not None:
            if known.phase is Phase.RELEASING:
                self._begin(known, Phase.AWAY)
            return []
        binding = Binding(home_address, agent, Phase.AWAY, permanent=True)
        self._bindings[home_address] = binding
        return [LeaveHome(home_address), *self._place(binding, now)]

    def moved(
        self, care_of: IPv6Address | None, now: int, home_agent: IPv6Address | None = None
    ) -> list[Action]:
        """The address on the link is another one, or (None) there is none that can be used.

        With a home agent it is a home address as well.
        """
        self._network_based, self._care_of = False, care_of
        if care_of is not None and home_agent is not None and care_of not in self._bindings:
            self._bindings[care_of] = Binding(care_of, home_agent)
            self._keep_tested(care_of, now)
        if care_of not in (None, self._bound_at):
            self._bound_at, self._completing = care_of, True
        actions: list[Action] = []
        for binding in list(self._bindings.values()):
            actions += self._place(binding, now)
        actions.sort(key=order)
        return actions + self._completed()

    def served(
        self, home_address: IPv6Address | None, home_agent: IPv6Address, now: int
    ) -> list[Action]:
        """The network on the link keeps all home addresses reachable: nothing is left to do here.

        ``home_address`` is the one that is from this link, ``home_agent`` the router on it.
        """
        self._network_based, self._care_of = True, None
        self._bound_at, self._completing = None, False
        self._last_router = home_agent
        if home_address is not None and home_address not in self._bindings:
            self._bindings[home_address] = Binding(home_address, home_agent)
            self._keep_tested(home_address, now)
        actions: list[Action] = []
        for binding in list(self._bindings.values()):
            actions += self._place(binding, now)
            self._follow_network(binding, now)
        return actions

    def _follow_network(self, binding: Binding, now: int) -> None:
        """In case ii of the paper the last router of the home domain is whom to tell."""
        last = self._last_router
        if not self._config.only_last or binding.registered or last is None:
            return
        if last != binding.home_agent:
            binding.home_agent = last
            self._keep_tested(binding.home_address, now)

    def release(self, home_address: IPv6Address, now: int) -> list[Action]:
        """A home address is not needed any more; never the one on the link."""
        binding = self._bindings.get(home_address)
        if binding is None or home_address == self._care_of:
            return []
        if not binding.registered:
            return self._give_up(binding)
        if binding.phase is not Phase.RELEASING:
            self._begin(binding, Phase.RELEASING)
        return self._transmit(binding, now) if self._care_of is not None else []

    def abandon(self, home_address: IPv6Address) -> list[Action]:
        """A home address is of no use any more, and there is nobody to tell."""
        binding = self._bindings.get(home_address)
        return [] if binding is None else self._give_up(binding)

    def receive(self, packet: Packet, now: int) -> list[Action]:
        """A Mobility Header message came."""
        message, binding = packet.message, self._bindings.get(packet.receiver)
        if isinstance(message, BindingAcknowledgement):
            if binding is None or packet.sender != binding.home_agent:
                self.counters.unauthentic += 1
                return []
            return self._acknowledged(binding, packet, message, now)
        if isinstance(message, BindingError):
            return self._error(packet, message, now)
        if isinstance(message, Test):
            return self._tested(packet, message, now)
        if isinstance(message, BindingRefreshRequest) and binding is not None:
            return self._refresh(binding, packet, now)
        self.counters.ignored += 1
        return []

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions: list[Action] = []
        for home_address, timer in self._deadlines.due(now):
            binding = self._bindings[home_address]
            if timer is Timer.EXPIRE:
                actions += self._expired(binding, now)
            elif timer is Timer.TEST:
                actions += self._test_home(binding, now)
            elif (
                self._place_of(binding) is None
            ):  # a refresh; nothing is repeated without an address
                self._deadlines.set((home_address, timer), now + self._config.initial_timeout)
            else:
                if timer is Timer.RETRANSMIT:
                    binding.timeout = min(2 * binding.timeout, self._config.maximum_timeout)
                actions += self._transmit(binding, now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._deadlines.next()

    def _place(self, binding: Binding, now: int) -> list[Action]:
        """Do what the present care-of address asks of one binding."""
        care_of = self._place_of(binding)
        if care_of is None:
            self._deadlines.cancel((binding.home_address, Timer.RETRANSMIT))
            self._keep_for_a_lifetime(binding, now)
            return self._leave_home(binding, Phase.AWAY)
        if binding.phase is Phase.RELEASING and care_of != binding.home_address:
            self._begin(binding, Phase.RELEASING)
            return self._transmit(binding, now)
        if care_of == binding.home_address:
            return self._return_home(binding, now)
        if binding.phase is Phase.BOUND and binding.care_of == care_of:
            return self._transmit(binding, now) if binding.waits else []
        actions = self._leave_home(binding, Phase.UPDATING)
        self._begin(binding, Phase.UPDATING)
        binding.care_of = care_of
        actions.append(OpenTunnel(binding.home_address, binding.home_agent, care_of))
        return actions + self._transmit(binding, now)

    def _keep_for_a_lifetime(self, binding: Binding, now: int) -> None:
        """An access router, too, keeps a prefix only so long that has no binding."""
        key = binding.home_address, Timer.EXPIRE
        if not (binding.permanent or binding.registered or key in self._deadlines):
            self._deadlines.set(key, now + self._config.binding_lifetime_s * SECOND)

    def _place_of(self, binding: Binding) -> IPv6Address | None:
        """The care-of address that a Binding Update would say: at home the home address itself."""
        return binding.home_address if self._network_based else self._care_of

    def _leave_home(self, binding: Binding, phase: Phase) -> list[Action]:
        """The home address is not on the link, or no longer."""
        if binding.phase not in (Phase.HOME, Phase.RETURNING):
            return []
        binding.enter(phase)
        return [LeaveHome(binding.home_address)]

    def _return_home(self, binding: Binding, now: int) -> list[Action]:
        """RFC 6275 section 11.5.5."""
        if binding.phase in (Phase.HOME, Phase.RETURNING):
            return self._transmit(binding, now) if binding.phase is Phase.RETURNING else []
        binding.care_of = binding.home_address
        self._keep_tested(binding.home_address, now)
        actions: list[Action] = [ReturnHome(binding.home_address)]
        if not binding.registered:
            self._deadlines.cancel((binding.home_address, Timer.EXPIRE))
            self._begin(binding, Phase.HOME)
            return actions
        self._begin(binding, Phase.RETURNING)
        return actions + self._transmit(binding, now)

    def _begin(self, binding: Binding, phase: Phase) -> None:
        """Start anew, with whatever this phase asks of the home agent."""
        binding.enter(phase)
        binding.first, binding.blocked, binding.refused = None, False, False
        binding.timeout = self._config.initial_timeout
        for timer in (Timer.RETRANSMIT, Timer.REFRESH):
            self._deadlines.cancel((binding.home_address, timer))

    def _tests(self, binding: Binding, now: int) -> list[Action]:
        """What its home agent has to be asked first."""
        care_of = self._place_of(binding)
        if self._authorization is None or care_of is None:
            return []
        tests = self._authorization.tests(
            binding.home_address,
            care_of,
            binding.home_agent,
            now,
            deregistration=binding.deregisters,
        )
        return ask(tests, binding.home_agent, binding.home_address, self._config.identifier)

    def _is_tested(self, authorization: Authorization, binding: Binding, now: int) -> bool:
        """Whether its home agent has answered all that, of a binding that has a place."""
        care_of = self._place_of(binding)
        return care_of is not None and authorization.is_tested(
            binding.home_address,
            care_of,
            binding.home_agent,
            now,
            deregistration=binding.deregisters,
        )

    def _tested(self, packet: Packet, answer: Test, now: int) -> list[Action]:
        """A test was answered; updates that wait for no more can be sent."""
        authorization, actions = self._authorization, list[Action]()
        if authorization is None or not authorization.receive(
            answer, packet.sender, packet.receiver, now
        ):
            self.counters.ignored += 1
            return []
        actions.append(received(packet, packet.receiver, self._config.identifier))
        if isinstance(answer, HomeTest) and packet.receiver in self._bindings:
            fields = {"mn": self._config.identifier, "home_address": packet.receiver}
            actions.append(Log("home_tested", fields))
        for binding in list(self._bindings.values()):
            if binding.blocked and self._is_tested(authorization, binding, now):
                actions += self._transmit(binding, now)
        return actions

    def _keep_tested(self, home_address: IPv6Address, now: int) -> None:
        if self._authorization is not None:
            self._deadlines.set((home_address, Timer.TEST), now)

    def _test_home(self, binding: Binding, now: int) -> list[Action]:
        """At home, ask in good time for what a later update needs: elsewhere it is too late."""
        home, tests = binding.home_address, []
        if binding.phase is Phase.HOME and self._authorization is not None:
            until = now + 2 * TEST_INTERVAL
            tests = self._authorization.tests(home, home, binding.home_agent, until)
        pause = self._config.initial_timeout if tests else TEST_INTERVAL
        self._deadlines.set((home, Timer.TEST), now + pause)
        return ask(tests, binding.home_agent, binding.home_address, self._config.identifier)

    def _transmit(self, binding: Binding, now: int) -> list[Action]:
        """Send a Binding Update, or what has to be asked before, and wait for the answer."""
        home, care_of, agent = binding.home_address, self._place_of(binding), binding.home_agent
        assert care_of is not None
        self._deadlines.set((home, Timer.RETRANSMIT), now + binding.timeout)
        tests = self._tests(binding, now)
        binding.blocked = bool(tests)
        if tests and care_of != home and not binding.registered and _asks_home(tests):
            return self._untested(binding)
        if tests:
            return tests
        lifetime = 0 if binding.deregisters else self._lifetime_s()
        if lifetime:
            if not binding.registered or (home, Timer.EXPIRE) not in self._deadlines:
                self._deadlines.set((home, Timer.EXPIRE), now + lifetime * SECOND)
            binding.registered = True
        update = binding.update(care_of, lifetime, regional=self._config.regional)
        away = home if care_of != home else None
        if self._authorization is not None:
            update = self._authorization.authorize(update, home, care_of, agent, now)
        return send(Packet(update, care_of, agent, away), home, self._config.identifier)

    def _lifetime_s(self) -> int:
        lifetime = self._config.binding_lifetime_s
        return lifetime if self.longest is None else min(lifetime, self.longest)

    def _untested(self, binding: Binding) -> list[Action]:
        """It left before its home address was tested, and without a binding no test gets there.

        The home address stays unbound until the node is at home again.
        """
        home = binding.home_address
        self._begin(binding, Phase.AWAY)
        self._deadlines.cancel((home, Timer.EXPIRE))
        fields = {"mn": self._config.identifier, "home_address": home}
        return [LeaveHome(home), Log("home_untested", fields)]

    def _acknowledged(
        self, binding: Binding, packet: Packet, answer: BindingAcknowledgement, now: int
    ) -> list[Action]:
        resynchronises = answer.status == Status.SEQUENCE_NUMBER_OUT_OF_WINDOW
        waited = binding.first is not None if resynchronises else binding.waits_for(answer.sequence)
        home, care_of = binding.home_address, self._place_of(binding)
        authorization = self._authorization
        if not waited or care_of is None:
            self.counters.ignored += 1
            return []
        if authorization is not None and not authorization.accept(
            answer, home, care_of, binding.home_agent
        ):
            self.counters.unauthentic += 1
            return []
        actions: list[Action] = [received(packet, binding.home_address, self._config.identifier)]
        if resynchronises:
            binding.sequence, binding.first = answer.sequence, None
            return actions + self._transmit(binding, now)
        binding.first = None
        if answer.status in PROVE_ANEW | {Status.ID_MISMATCH}:
            return actions + self._transmit(binding, now)
        self._deadlines.cancel((binding.home_address, Timer.RETRANSMIT))
        if binding.deregisters:
            actions += self._deregistered(binding, now)
        elif answer.accepted and answer.lifetime:
            actions += self._bound(binding, answer.lifetime, now)
        else:
            actions += self._refused(binding, answer.status)
        return actions + self._completed()

    def _bound(self, binding: Binding, lifetime: int, now: int) -> list[Action]:
        """The binding stands for so many seconds; it is refreshed half-way."""
        home, new = binding.home_address, binding.phase is not Phase.BOUND
        binding.enter(Phase.BOUND)
        binding.timeout = self._config.initial_timeout
        binding.granted = lifetime
        self._deadlines.set((home, Timer.EXPIRE), now + lifetime * SECOND)
        self._deadlines.set((home, Timer.REFRESH), now + lifetime * SECOND // 2)
        return [UseTunnel(home)] if new else []

    def _refused(self, binding: Binding, status: int) -> list[Action]:
        """There is no binding, and asking again would not help."""
        home = binding.home_address
        self._begin(binding, Phase.AWAY)
        binding.registered, binding.refused = False, True
        self._deadlines.cancel((home, Timer.EXPIRE))
        fields = {"home_address": home, "status": status}
        return [LeaveHome(home), Log("binding_refused", fields)]

    def _deregistered(self, binding: Binding, now: int) -> list[Action]:
        """The home agent has no binding any more."""
        binding.registered = False
        self._deadlines.cancel((binding.home_address, Timer.EXPIRE))
        if binding.phase is Phase.RELEASING:
            return self._give_up(binding)
        binding.enter(Phase.HOME)
        self._follow_network(binding, now)
        return []

    def _expired(self, binding: Binding, now: int) -> list[Action]:
        """Whatever the home agent knew, it has forgotten."""
        self._deadlines.cancel((binding.home_address, Timer.REFRESH))
        actions: list[Action] = [Log("binding_expired", {"home_address": binding.home_address})]
        if binding.deregisters:
            binding.first = None
            self._deadlines.cancel((binding.home_address, Timer.RETRANSMIT))
            return actions + self._deregistered(binding, now) + self._completed()
        if self._place_of(binding) is None:
            return actions + self._out_of_coverage(binding)
        binding.registered = binding.first is not None
        if binding.phase is Phase.BOUND:
            binding.enter(Phase.UPDATING)
            if not binding.waits:  # the refresh was put off, as the node was nowhere just before
                actions += self._transmit(binding, now)
        return actions

    def _out_of_coverage(self, binding: Binding) -> list[Action]:
        """No binding and no care-of address; a prefix that somebody else may get by now is over."""
        if not binding.permanent:
            return self._give_up(binding)
        self._begin(binding, Phase.AWAY)
        binding.registered = False
        return [LeaveLink(binding.home_address)]

    def _give_up(self, binding: Binding) -> list[Action]:
        for timer in Timer:
            self._deadlines.cancel((binding.home_address, timer))
        del self._bindings[binding.home_address]
        return [GiveUp(binding.home_address)]

    def _refresh(self, binding: Binding, packet: Packet, now: int) -> list[Action]:
        """The home agent would like to know whether the binding is still so (section 11.7.4)."""
        genuine = packet.sender == binding.home_agent and binding.phase is Phase.BOUND
        if not genuine or binding.waits or self._place_of(binding) is None:
            self.counters.ignored += 1
            return []
        said = received(packet, binding.home_address, self._config.identifier)
        return [said, *self._transmit(binding, now)]

    def _error(self, packet: Packet, error: BindingError, now: int) -> list[Action]:
        """The home agent knows of no binding: ask for it again (RFC 6275 section 11.3.6)."""
        binding = self._bindings.get(error.home_address)
        lost = error.status == BindingErrorStatus.UNKNOWN_BINDING
        genuine = binding is not None and packet.sender == binding.home_agent and lost
        if binding is None or not genuine or binding.phase is not Phase.BOUND or not self._care_of:
            self.counters.ignored += 1
            return []
        self._begin(binding, Phase.UPDATING)
        return [
            received(packet, binding.home_address, self._config.identifier),
            *self._transmit(binding, now),
        ]

    def _completed(self) -> list[Action]:
        """Say once a care-of address that all home agents know it."""
        asking = any(b.phase in (Phase.UPDATING, Phase.RETURNING) for b in self._bindings.values())
        if asking or not self._completing or self._care_of is None:
            return []
        self._completing = False
        fields = {"mn": self._config.identifier, "care_of": self._care_of}
        return [Log("binding_complete", fields)]


def _asks_home(actions: list[Action]) -> bool:
    """Whether these send a test of a home address."""
    return any(isinstance(a, Send) and isinstance(a.packet.message, HomeTestInit) for a in actions)
