"""The kinds of value in a scenario: each reads its text and says what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from emu.extensions import Registry
from emu.scenario.channel_policies import POLICIES
from emu.scenario.errors import quote, suggest
from emu.scenario.units import DURATION, RATE, Quantity, percentage


@dataclass(frozen=True, eq=False)
class Within:
    """Reads a quantity between two bounds, both included."""

    quantity: Quantity
    least: str
    most: str

    def __call__(self, value: object) -> int:
        """The value in the base unit."""
        number = self.quantity.parse(value)
        if not self.quantity.parse(self.least) <= number <= self.quantity.parse(self.most):
            shown = self.quantity.show(number)
            raise ValueError(f"{shown} is out of range; write {self.least} to {self.most}")
        return number


@dataclass(frozen=True)
class Nothing:
    """Reads a key without a value as an empty collection."""

    empty: Callable[[], object]

    def __call__(self, value: object) -> object:
        """The value, or the empty one."""
        return self.empty() if value is None else value


@dataclass(frozen=True)
class Named:
    """Refuses what is not a good name."""

    pattern: str
    rule: str

    def __call__(self, value: str) -> str:
        """The value itself."""
        if re.fullmatch(self.pattern, value) is None:
            raise ValueError(f"{quote(value)} is not a good name; write {self.rule}")
        return value


@dataclass(frozen=True, eq=False)
class Declared:
    """Reads the name of something that is declared."""

    registry: Registry[Any]

    def __call__(self, value: object) -> object:
        """The name itself."""
        names = self.registry.names()
        if value in names:
            self.registry.find(str(value))
            return value
        complaint = "has no value" if value is None else f"{quote(value)} is not one of the choices"
        raise ValueError(f"{complaint}; {suggest(str(value), names)}")


def within(quantity: Quantity, least: str, most: str) -> BeforeValidator:
    """Reads a quantity between two bounds, both included, written as in a scenario."""
    return BeforeValidator(Within(quantity, least, most))


def declared(registry: Registry[Any]) -> BeforeValidator:
    """Reads the name of a declaration, of the toolkit or of another package."""
    return BeforeValidator(Declared(registry))


def nothing_as(empty: Callable[[], object]) -> BeforeValidator:
    """A key written without a value (all of its entries commented out) holds nothing."""
    return BeforeValidator(Nothing(empty))


def _share(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{value:.0%} is out of range; write 0% to 100%")
    return value


def _named(pattern: str, rule: str) -> AfterValidator:
    return AfterValidator(Named(pattern, rule))


def group(value: object) -> IPv6Address:
    """An IPv6 multicast group that routers forward: wider than link-local scope (RFC 7346)."""
    remedy = "write an IPv6 multicast group such as ff3e::c1"
    if value is None:
        raise ValueError(f"has no value; {remedy}")
    try:
        group = IPv6Address(value if isinstance(value, (str, IPv6Address)) else "")
    except ValueError:
        raise ValueError(f"{quote(value)} is not an IPv6 address; {remedy}") from None
    if group.scope_id is not None or not group.is_multicast:
        raise ValueError(f"{quote(str(group))} is not a multicast address; {remedy}")
    scope = group.packed[1] & 0x0F
    if not 3 <= scope <= 14:
        raise ValueError(f"{quote(str(group))} has scope {scope:x}, which is not routed; {remedy}")
    return group


def _access_router(value: object) -> object:
    return re.sub(r"^dar(?=[0-9]+$)", "mar", value) if isinstance(value, str) else value


def _policy(value: object) -> object:
    """A policy that is declared, or ``file.py:ClassName``."""
    if isinstance(value, str) and re.fullmatch(r"[^:]+\.py:[A-Za-z_]\w*", value) is None:
        POLICIES.find(value, ", or file.py:ClassName")
    return value


NO_KEY = "none"
"""In the place of a key: nobody has one."""


def _key(value: str) -> str:
    if value != NO_KEY and not 8 <= len(value) <= 64:
        raise ValueError(
            f"has {len(value)} characters; write a secret of 8 to 64 characters, or none"
        )
    return value


_WORDS = "letters, digits, dots, dashes or underscores"

Instant = Annotated[int, within(DURATION, "0s", "24h")]
"""A time since the start of the run, or a duration that may be 0; ns."""
Delay = Annotated[int, within(DURATION, "0s", "10s")]
"""A one-way delay; ns."""
Rate = Annotated[int, within(RATE, "1kbit", "100gbit")]
"""bit/s."""
Loss = Annotated[float, BeforeValidator(percentage), AfterValidator(_share)]
"""The share of packets lost, 0 to 1."""
Group = Annotated[IPv6Address, BeforeValidator(group)]
"""An IPv6 multicast address of more than link-local scope."""
ScenarioName = Annotated[str, _named(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", f"up to 64 {_WORDS}")]
"""Good as the name of a folder."""
EntryName = Annotated[str, _named(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", f"up to 32 {_WORDS}")]
"""The name of a channel or of a flow; good in the name of a file."""
NodeName = Annotated[
    str, _named(r"[A-Za-z][A-Za-z0-9]{0,8}", "a letter, then up to 8 letters or digits")
]
"""Nine characters at most, so that ``radio-<node>`` fits the 15 of an interface name."""
IslandName = Annotated[
    str, _named(r"[A-Za-z][A-Za-z0-9]{0,4}", "a letter, then up to 4 letters or digits")
]
"""Five characters at most, so that ``<node>-<island>`` fits an interface name."""
PolicyName = Annotated[str, BeforeValidator(_policy)]
"""A channel control policy, or the file and the class of a user's own."""
AccessRouter = Annotated[str, BeforeValidator(_access_router)]
"""A MAR by its name, ``mar1`` … (``dar1`` is read as ``mar1``)."""
Key = Annotated[str, AfterValidator(_key)]
"""A secret that nodes share; ``none``: there is none."""
